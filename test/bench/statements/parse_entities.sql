SELECT jsonb_array_length(:documents::jsonb->'data');
