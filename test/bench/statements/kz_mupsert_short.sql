SELECT kz_mupsert('bench', 'docs', :documents, source => false);
