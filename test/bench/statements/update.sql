UPDATE bench.docs SET _source = :document WHERE _id = :id;
