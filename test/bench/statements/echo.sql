SELECT :id::text, :changes::jsonb;
