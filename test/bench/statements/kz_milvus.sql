SELECT kz_milvus('/v2/vectordb/entities/upsert', :documents);
