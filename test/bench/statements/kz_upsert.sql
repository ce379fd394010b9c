SELECT kz_upsert('bench', 'docs', :id, :changes);
