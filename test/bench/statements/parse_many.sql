SELECT jsonb_array_length(:documents);
