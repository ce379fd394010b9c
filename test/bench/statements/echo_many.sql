SELECT :documents::jsonb;
