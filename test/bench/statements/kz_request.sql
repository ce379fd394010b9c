SELECT kz_request(('{"controller": "document", "action": "upsert", "index": "bench", "collection": "docs", "requestId": "a", "_id": "'
	|| :id || '", "body": {"changes": ' || :changes || '}}')::jsonb);
