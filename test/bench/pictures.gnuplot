#
# A picture of the benchmark, as SVG and as PNG.  Variables: picture, the file
# with its data, the file to write but for its suffix.
#
set datafile separator "\t"
set encoding utf8
set border 3 linewidth 0.8
set tics nomirror
set grid linetype 1 linecolor rgb '#dddddd'
set style fill solid 0.9 noborder

ours = '#2b6cb0'
theirs = '#a0aec0'
mark = '#c53030'
high = 420
if (picture eq 'ratios') {
	stats data using 4 nooutput
	high = 130 + 26 * STATS_records
	widest = 1.5 * (STATS_max > 4 ? STATS_max : 4)
}

if (picture eq 'batches') {
	stats data using ($1 < 100 ? NaN : $2) nooutput
	best = STATS_min
}
if (picture eq 'clients') {
	stats data using 2 every ::0::0 nooutput
	one_client = STATS_max
}

do for [type in 'svg png'] {
	if (type eq 'svg') {
		set terminal svg size 860,high font 'sans-serif,13' background rgb 'white'
	} else {
		set terminal pngcairo size 860,high font 'sans-serif,11'
	}
	set output file.'.'.type

	if (picture eq 'ratios') {
		# A bar begins at 1, where both are equally fast.
		set title "kz is so many times as fast as …\n{/*0.85 red: the bar to reach; grey: for comparison, without one}"
		set logscale x 2
		set xrange [0.25:widest]
		set xtics ('¼' 0.25, '½' 0.5, '1' 1, '2' 2, '4' 4, '8' 8, '16' 16, '32' 32, '64' 64, '128' 128)
		set yrange [STATS_records - 0.4:-0.6]
		set grid xtics noytics
		set arrow 1 from 1, graph 0 to 1, graph 1 nohead
		low(ratio) = ratio < 1 ? ratio : 1
		top(ratio) = ratio < 1 ? 1 : ratio
		past(ratio, bar) = bar > ratio ? (bar > 1 ? bar : 1) : top(ratio)
		plot data using (1):0:(low($4)):(top($4)):($0 - 0.36):($0 + 0.36):ytic(strcol(1).' '.strcol(2).': '.strcol(3)) \
				with boxxyerror linecolor rgb theirs notitle, \
			data using (1):($5 > 0 ? $0 : NaN):(low($4)):(top($4)):($0 - 0.36):($0 + 0.36) \
				with boxxyerror linecolor rgb ours notitle, \
			data using ($5 > 0 ? $5 : NaN):($0 - 0.45):(0):(0.9) with vectors nohead linewidth 3 linecolor rgb mark notitle, \
			data using (past($4, $5)):0:(sprintf('  %.2f', $4)) with labels left notitle
	}
	if (picture eq 'batches') {
		set key bottom right
		set title 'Stored documents, whole answer: time a document by the size of a call'
		set logscale x
		set xlabel 'documents a call'
		set ylabel 'µs a document'
		set yrange [0:*]
		plot data using 1:2:3:4 with yerrorlines pointtype 7 linewidth 2 linecolor rgb ours title 'kz\_mupsert', \
			x < 100 ? NaN : 1.25 * best linewidth 2 dashtype 2 linecolor rgb mark title 'the bar: 1.25 of the best from 100 on'
	}
	if (picture eq 'tables') {
		set title 'Stored documents, 40 a pipeline: time an upsert by the size of the table'
		set logscale x
		set xlabel 'documents in the table'
		set ylabel 'µs an upsert'
		set yrange [0:*]
		set key bottom right
		set format x '10^{%L}'
		set xrange [*:*] noextend
		plot data using 1:2:3:4 with yerrorlines pointtype 7 linewidth 2 linecolor rgb ours title 'kz\_upsert', \
			data using 1:5:6:7 with yerrorlines pointtype 5 linewidth 2 linecolor rgb theirs title 'shallow'
	}
	if (picture eq 'clients') {
		set title 'All clients update one document'
		set xlabel 'clients'
		set ylabel 'updates a second'
		set yrange [0:*]
		set boxwidth 0.5
		set xrange [-0.6:2.6]
		set grid noxtics
		plot data using 0:2:xtic(1) with boxes linecolor rgb ours notitle, \
			data using 0:3:(0):($4 - $3) with vectors nohead linewidth 2 linecolor rgb '#333333' title 'least and most', \
			0.9 * one_client linewidth 2 dashtype 2 linecolor rgb mark title 'the bar: 0.9 of one client'
	}
	unset output
}
