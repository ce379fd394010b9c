# Makefile of the extension kz
#
#	make							build
#	make install					install into the server of PG_CONFIG
#	make installcheck				regress and isolation tests, running server
#	make installcheck REGRESS=upsert ISOLATION=		one regress test
#	make tap						TAP tests (own clusters, needs IPC::Run)
#	make check-source				the rules in test/check, one script each
#	make indent						format the C sources as PostgreSQL does
#	make ack						accept the results of the last installcheck

# Where this file is, which need not be where make builds: "make -f /kz/Makefile VPATH=/kz".
here := $(dir $(lastword $(MAKEFILE_LIST)))

EXTENSION = kz
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)kz.control)

MODULE_big = kz
OBJS = \
	src/kz.o \
	src/base/encoding.o \
	src/base/error.o \
	src/base/json.o \
	src/base/json_value.o \
	src/base/pairs.o \
	src/base/subtransaction.o \
	src/document/difference.o \
	src/document/fields.o \
	src/document/identity.o \
	src/document/mapping.o \
	src/document/merge.o \
	src/document/metadata.o \
	src/document/path.o \
	src/document/strict.o \
	src/engine/access.o \
	src/engine/catalog.o \
	src/engine/collection.o \
	src/engine/definition.o \
	src/engine/executor.o \
	src/engine/naming.o \
	src/engine/query.o \
	src/engine/resolve.o \
	src/engine/setting.o \
	src/engine/shape.o \
	src/engine/target.o \
	src/engine/watch.o \
	src/engine/writer.o \
	src/engine/writer_direct.o \
	src/engine/writer_spi.o \
	src/filter/milvus.o \
	src/filter/milvus_check.o \
	src/filter/milvus_name.o \
	src/filter/milvus_parser.o \
	src/filter/milvus_token.o \
	src/filter/operand.o \
	src/filter/parameter.o \
	src/filter/sql.o \
	src/operation/bulk.o \
	src/operation/entry.o \
	src/operation/image.o \
	src/operation/notifier.o \
	src/operation/read.o \
	src/operation/write.o \
	src/protocol/answer.o \
	src/protocol/argument.o \
	src/protocol/batch.o \
	src/protocol/call.o \
	src/protocol/function.o \
	src/protocol/http.o \
	src/protocol/http_body.o \
	src/protocol/http_kuzzle.o \
	src/protocol/http_milvus.o \
	src/protocol/http_request.o \
	src/protocol/manage.o \
	src/protocol/kuzzle.o \
	src/protocol/kuzzle_argument.o \
	src/protocol/kuzzle_batch.o \
	src/protocol/kuzzle_bulk.o \
	src/protocol/kuzzle_collection.o \
	src/protocol/kuzzle_document.o \
	src/protocol/kuzzle_index.o \
	src/protocol/kuzzle_server.o \
	src/protocol/many.o \
	src/protocol/milvus.o \
	src/protocol/milvus_collection.o \
	src/protocol/milvus_create.o \
	src/protocol/milvus_delete.o \
	src/protocol/milvus_entity.o \
	src/protocol/milvus_output.o \
	src/protocol/milvus_read.o \
	src/protocol/milvus_request.o \
	src/protocol/milvus_schema.o \
	src/protocol/milvus_value.o \
	src/protocol/milvus_write.o \
	src/protocol/routes.o \
	src/protocol/rows.o

DATA = $(patsubst $(here)%,%,$(sort $(wildcard $(here)sql/kz--*--*.sql)))
DATA_built = sql/kz--$(EXTVERSION).sql
EXTRA_CLEAN = sql/kz--$(EXTVERSION).sql
PG_CPPFLAGS = -I$(srcdir)/src -DKZ_VERSION='"$(EXTVERSION)"'

# No test may be called "kz": pg_regress would run sql/kz.sql under that name.
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=kz
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=kz
PROVE_TESTS ?= $(sort $(wildcard test/t/*.pl))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

sql/kz--$(EXTVERSION).sql: sql/kz.sql kz.control
	cp $< $@

# PGXS knows no header dependencies unless the server was built with them.
$(OBJS): $(wildcard $(srcdir)/src/*/*.h)

# Nor does it make the folders of a build elsewhere.
folders := $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS) $(DATA_built))))
$(OBJS) $(OBJS:.o=.bc) $(DATA_built): | $(folders)
$(folders):
	mkdir -p $@

# PGXS says so, and succeeds, where the server was built without them.
tap:
	$(if $(filter yes,$(enable_tap_tests)),,$(error the server of $(PG_CONFIG) was built without --enable-tap-tests))
	$(prove_installcheck)

check-source: all
	@for rule in test/check/*.sh; do echo "$$rule"; PG_CONFIG="$(PG_CONFIG)" bash "$$rule" || exit 1; done

indent:
	bash test/check/indent.sh --write

# Which of several expected outputs a result is meant for, make cannot know.
ack:
	@for f in results/*.out; do [ -e "$$f" ] && [ ! -e "expected/$$(basename "$$f" .out)_1.out" ] && cp -v "$$f" expected/ || true; done
	@for f in output_iso/results/*.out; do [ -e "$$f" ] && cp -v "$$f" test/isolation/expected/ || true; done

.PHONY: tap check-source indent ack
