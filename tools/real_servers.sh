#!/bin/bash
# real_servers.sh FOLDER [NAME...]: the servers of tests/real (`make real`), built or fetched into FOLDER/NAME; what is there stays.
#
#   otelcol     the OpenTelemetry Collector, by its own builder       FOLDER/otelcol/otelcol
#   jaeger      Jaeger, all in one                                     FOLDER/jaeger/jaeger
#   minio       MinIO, the last state of its sources                   FOLDER/minio/minio
#   opensearch  OpenSearch's jars                                      FOLDER/opensearch/libs
#
# Needs Go, and for OpenSearch Java 17 or later with its compiler and Maven; modules and jars come from wherever those are set to fetch
# them. The first build of all takes long; NICE (15) is how much it steps back.
set -eu

[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$(realpath -m "$1")
shift
[ $# -gt 0 ] || set -- otelcol jaeger minio opensearch

collector=v0.159.0 providers=v1.65.0 jaeger=v1.76.0 minio=v0.0.0-20260212201848-7aac2a2c5b7c opensearch=2.19.1 log4j=2.21.0
export CGO_ENABLED=0 GOWORK=off GOFLAGS="-mod=mod -buildvcs=false"

# go_program MODULE VERSION PACKAGE OUTPUT: with the module's own go.mod, so that what it replaces is replaced, and its own go.sum.
go_program() {
	local from
	from=$(cd / && go mod download -json "$1@$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
	[ -n "$from" ] || return 1
	cp "$from/go.mod" "$from/go.sum" . && chmod u+w go.mod go.sum && go mod edit -module=genops.test/server -require="$1@$2" &&
		nice -n "${NICE:-15}" go build -p 1 -o "$4" "$3"
}

build_otelcol() {
	[ -x builder ] || go_program go.opentelemetry.io/collector/cmd/builder "$collector" go.opentelemetry.io/collector/cmd/builder builder || return 1
	cat >otelcol.yaml <<-EOF
		dist: {name: otelcol, output_path: ./sources, module: genops.test/otelcol}
		receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver $collector}]
		exporters:
		  - {gomod: go.opentelemetry.io/collector/exporter/otlpexporter $collector}
		  - {gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter $collector}
		providers:
		  - {gomod: go.opentelemetry.io/collector/confmap/provider/envprovider $providers}
		  - {gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider $providers}
	EOF
	nice -n "${NICE:-15}" ./builder --config otelcol.yaml && mv sources/otelcol otelcol
}

build_jaeger() {
	go_program github.com/jaegertracing/jaeger "$jaeger" github.com/jaegertracing/jaeger/cmd/all-in-one jaeger
}

build_minio() {
	go_program github.com/minio/minio "$minio" github.com/minio/minio minio
}

build_opensearch() {
	cat >pom.xml <<-EOF
		<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>genops</groupId><artifactId>opensearch</artifactId><version>1</version><dependencies>
		<dependency><groupId>org.opensearch</groupId><artifactId>opensearch</artifactId><version>$opensearch</version></dependency>
		<dependency><groupId>org.opensearch.plugin</groupId><artifactId>transport-netty4-client</artifactId><version>$opensearch</version></dependency>
		<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>$log4j</version></dependency>
		</dependencies></project>
	EOF
	mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=aside && mv aside libs
}

for name; do
	case $name in
	opensearch) made=libs ;;
	otelcol | jaeger | minio) made=$name ;;
	*) echo "there is no $name" >&2; exit 2 ;;
	esac
	[ -e "$folder/$name/$made" ] && continue
	echo "building $name in $folder/$name"
	mkdir -p "$folder/$name"
	(cd "$folder/$name" && "build_$name") || { echo "$name could not be built" >&2; exit 1; }
done
