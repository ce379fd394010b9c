INSERT INTO bench.docs (_id, _version, _source) VALUES (:id, 1, :document);
