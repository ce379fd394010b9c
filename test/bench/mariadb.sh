# shellcheck shell=bash
# shellcheck disable=SC2154 # run sets what is not set here
#
# The peer MariaDB, sourced by run: a server of its own without a network, with
# the durability that ours has.  The documents come as SQL from its client.

mariadb_found()
{
	command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null && mariadb_server >/dev/null
}

mariadb_server() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mariadbd; }

my() { mariadb --no-defaults --socket="$dir/mariadb.sock" --user=root --skip-column-names --batch --quick "$@"; }

mariadb_start()
{
	local attempt
	private_dir "$dir/mariadb"
	as_server mariadb-install-db --no-defaults --datadir="$dir/mariadb" --auth-root-authentication-method=normal \
		--skip-test-db >"$dir/mariadb.log" 2>&1 || die "$(tail -n 20 "$dir/mariadb.log")"
	# As synchronous_commit=off and full_page_writes=off; no log for replicas
	as_server "$(mariadb_server)" --no-defaults --datadir="$dir/mariadb" --socket="$dir/mariadb.sock" \
		--pid-file="$dir/mariadb.pid" --skip-networking --skip-log-bin --innodb-flush-log-at-trx-commit=0 \
		--innodb-doublewrite=0 --innodb-buffer-pool-size=1G --innodb-log-file-size=2G \
		--character-set-server=utf8mb4 --collation-server=utf8mb4_bin >>"$dir/mariadb.log" 2>&1 </dev/null &
	for ((attempt = 0; attempt < 300; attempt++)); do
		if my -e 'SELECT 1' >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	my <<-END || die "MariaDB did not start: $(tail -n 20 "$dir/mariadb.log")"
		CREATE DATABASE bench;
		CREATE TABLE bench.docs (id varchar(255) PRIMARY KEY, version bigint NOT NULL, doc json NOT NULL);
	END
}

# Nothing of it is to be kept.
mariadb_stop()
{
	kill -KILL "$(cat "$dir/mariadb.pid")"
	wait
}

# The script of a row, made once: 40 statements a packet and a transaction, or a
# statement for each call.  The last line that comes out is the time in between.
mariadb_script()
{
	local update='ON DUPLICATE KEY UPDATE version = version + 1, doc = JSON_MERGE_PATCH(doc, VALUES(doc))' answer=''
	if [ "$statement_name" = many_answer ]; then answer=' RETURNING id, version, doc'; fi
	echo 'USE bench;'
	if [ "$statement_name" = single ]; then
		echo "PREPARE one FROM 'INSERT INTO docs VALUES (?, 1, ?) $update RETURNING version';"
	fi
	echo 'SET @start = SYSDATE(6);'
	echo 'DELIMITER //'
	if [ "$statement_name" = single ]; then
		sql <<-END
			SELECT 'BEGIN;' || string_agg(format('EXECUTE one USING %L, %L;', id, document), '' ORDER BY i) || 'COMMIT//'
			FROM (SELECT row_number() OVER (ORDER BY random()) - 1, $first + place
					FROM generate_series(0, $documents - 1) AS place) AS shuffled (i, id),
				(SELECT bench.sent('$sends', 1, $filler) AS document OFFSET 0) AS d
			WHERE i < $operations / 40 * 40
			GROUP BY i / 40;
		END
	else
		sql <<-END
			SELECT 'INSERT INTO docs VALUES ' || string_agg(format('(%L, 1, %L)', e->>'_id', e->>'changes'), ',') || '$update$answer//'
			FROM bench.request, jsonb_array_elements(documents::jsonb) AS e
			WHERE kind = '$kind' AND size = $size
			GROUP BY call;
		END
	fi
	echo 'SELECT TIMESTAMPDIFF(MICROSECOND, @start, SYSDATE(6))//'
}

# The way to measure; see run.
on_mariadb()
{
	local script=$dir/mariadb.$place written us changed
	written=$((operations < documents ? operations : documents))
	if [ "$statement_name" = single ]; then
		written=$((written / 40 * 40))
	else
		written=$((operations < size ? size : operations / size * size))
	fi
	[ -e "$script" ] || mariadb_script >"$script"
	my bench >/dev/null <<-END
		TRUNCATE docs;
		INSERT INTO docs SELECT 1000000000 + seq, 1, '$(sql -c "SELECT bench.document(0, $filler)")' FROM seq_1_to_$documents;
		ANALYZE TABLE docs;
		FLUSH TABLES docs FOR EXPORT;
		UNLOCK TABLES;
	END
	us=$(my <"$script" | tail -n 1)
	changed=$(my bench -e "SELECT count(*) FROM docs WHERE json_value(doc, '$.number') <> 0")
	[ "$changed" = "$written" ] || die "$name, $variant, $way: $changed documents are changed, not $written"
	sql -c "INSERT INTO bench.result (place, round, value) VALUES ($place, $round, $us / $written.0)"
}
