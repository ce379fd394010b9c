SELECT kz_update('bench', 'docs', :id, :changes);
