COPY bench.docs FROM ':files/:call';
