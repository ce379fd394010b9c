SELECT kz_update('bench', 'docs', :id, jsonb_build_object('number', :number::bigint));
