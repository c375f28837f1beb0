package archtest

// What a core must not touch of the standard library: the doors of a service
// and its stores are adapters.
var doors = []string{"database/sql", "html/template", "mime/multipart", "net", "net/http", "os/exec", "text/template"}

// layers says what each package of this module may import of the others.
var layers = []layer{
	{
		packages: []string{"pkg/fault", "pkg/identity", "pkg/archtest"},
		why:      "everything may need it, so it needs nothing",
	},
	{
		packages: []string{"pkg/blob", "pkg/event"},
		may:      []string{"pkg/fault"},
		mayNot:   doors,
		why:      "a port is a contract and knows none of its adapters",
	},
	{
		packages: []string{"pkg/contract", "pkg/contract/*"},
		may:      []string{"pkg/contract", "pkg/event", "pkg/fault", "pkg/httpx/problem"},
		mayNot:   doors,
		why:      "what services say to each other is data, and depends on no side",
	},
	{
		packages: []string{"pkg/blob/*", "pkg/blob/*/*"},
		may:      []string{"pkg/blob", "pkg/blob/internal/*", "pkg/fault", "pkg/telemetry"},
		why:      "an adapter of the blob port knows its port and its store, and not what is stored",
	},
	{
		packages: []string{"pkg/event/*", "pkg/event/*/*"},
		may:      []string{"pkg/event", "pkg/event/*", "pkg/contract", "pkg/fault", "pkg/httpx/loopback", "pkg/httpx/problem", "pkg/telemetry"},
		why:      "an adapter of the event port knows its port and its bus; the contract only for the bucket's own notifications",
	},
	{
		packages: []string{"pkg/httpx", "pkg/httpx/*", "pkg/kitx"},
		may:      []string{"pkg/fault", "pkg/httpx", "pkg/httpx/problem", "pkg/identity", "pkg/telemetry"},
		why:      "what every HTTP side shares knows no use case",
	},
	{
		packages: []string{"pkg/serviceauth"},
		may:      []string{"pkg/fault", "pkg/httpx", "pkg/httpx/problem", "pkg/identity", "pkg/serviceauth/keyring"},
		why:      "who calls, and for whom, is asked of every service alike and knows no use case",
	},
	{
		packages: []string{"pkg/jwks"},
		may:      []string{"pkg/fault"},
		why:      "published keys are fetched in one way, whoever signs and whatever is signed",
	},
	{
		packages: []string{"pkg/serviceauth/*", "pkg/serviceauth/*/*"},
		may:      []string{"pkg/fault", "pkg/jwks", "pkg/serviceauth", "pkg/serviceauth/keyring"},
		why:      "a kind of token knows its port and who vouches for it",
	},
	{
		packages: []string{"pkg/gormdb", "pkg/gormdb/cloudsql", "pkg/gormdb/mysqltest"},
		may:      []string{"pkg/fault", "pkg/gormdb", "pkg/telemetry"},
		why:      "opening a database needs no knowledge of what is in it",
	},
	{
		packages: []string{"pkg/gormdb/schematest"},
		may:      []string{"pkg/gormdb", "pkg/gormdb/mysqltest"},
		why:      "a schema is held to its models on every engine, whatever it is for",
	},
	{
		packages: []string{"pkg/config", "pkg/process"},
		may:      []string{"pkg/config", "pkg/fault", "pkg/httpx", "pkg/telemetry", "pkg/telemetry/otlp"},
		why:      "how a program is configured, started and stopped does not depend on what it does",
	},
	{
		packages: []string{"pkg/telemetry", "pkg/telemetry/*"},
		may:      []string{"pkg/fault", "pkg/telemetry"},
		why:      "whoever is watched is not known to what watches",
	},
	{
		packages: []string{"pkg/platform"},
		may: []string{
			"pkg/blob", "pkg/config", "pkg/contract", "pkg/event", "pkg/event/traced", "pkg/httpx", "pkg/kitx", "pkg/process",
			"pkg/serviceauth", "pkg/serviceauth/*",
		},
		why: "it has the adapters opened that addresses name, for every root the same way, and links none: a root hands it those that it needs",
	},
	{
		packages: []string{"pkg/platform/buses"},
		may:      []string{"pkg/platform", "pkg/process", "pkg/event", "pkg/event/gcppubsub", "pkg/event/natsevents", "pkg/serviceauth", "pkg/serviceauth/googletokens"},
		why:      "it chooses among the adapters of one port, so that who needs another port does not link them",
	},
	{
		packages: []string{"pkg/platform/embedded"},
		may:      []string{"pkg/platform", "pkg/platform/buses", "pkg/event/natsevents", "pkg/event/natsevents/natsserver"},
		why:      "only a gallery in one process has a server in it",
	},
	{
		packages: []string{"pkg/platform/stores"},
		may:      []string{"pkg/platform", "pkg/blob", "pkg/blob/*", "pkg/identity"},
		why:      "it chooses among the adapters of one port, so that who needs another port does not link them",
	},
	{
		packages: []string{"pkg/platform/databases"},
		may:      []string{"pkg/platform", "pkg/gormdb", "pkg/gormdb/cloudsql"},
		why:      "it chooses among the adapters of one port, so that who needs another port does not link them",
	},
	{
		packages: []string{"services/upload/internal/ingest", "services/catalog/internal/catalog", "services/web/internal/gallery", "services/web/internal/accounts"},
		may:      []string{"pkg/blob", "pkg/event", "pkg/contract", "pkg/contract/*", "pkg/fault", "pkg/identity"},
		mayNot:   doors,
		why:      "a core is plain Go behind ports, so that it can be read, tested and moved without any door, store or SDK",
	},
	{
		packages: []string{"services/*/internal/httpapi"},
		may: []string{
			"services/$/api", "services/$/internal/ingest", "services/$/internal/catalog", "services/$/internal/gallery", "services/$/internal/accounts", "services/$/internal/pages",
			"pkg/contract", "pkg/contract/*", "pkg/event", "pkg/fault", "pkg/httpx", "pkg/httpx/problem", "pkg/identity", "pkg/kitx",
		},
		why: "a door translates between HTTP and its own core; stores and SDKs stay behind the core's ports",
	},
	{
		packages: []string{"services/web/internal/pages"},
		may:      []string{"services/web/ui"},
		why:      "pages are given complete views and ask nobody",
	},
	{
		packages: []string{"services/*/api", "services/web/ui"},
		why:      "it embeds files",
	},
	{
		packages: []string{"services/upload/internal/goimag*", "services/upload/internal/imagemeta*"},
		may:      []string{"services/upload/internal/ingest", "pkg/contract", "pkg/fault"},
		mayNot:   []string{"net/http", "database/sql", "os/exec"},
		why:      "a codec takes bytes and gives bytes: hostile input reaches nothing else",
	},
	{
		packages: []string{"services/upload/internal/imageworker"},
		may:      []string{"services/upload/internal/ingest", "pkg/fault"},
		mayNot:   []string{"net/http", "database/sql"},
		why:      "it starts processes and knows no image format: which codecs work in them is the root's choice",
	},
	{
		packages: []string{"services/catalog/internal/gormcatalog"},
		may:      []string{"services/catalog/internal/catalog", "pkg/contract", "pkg/contract/*", "pkg/event", "pkg/fault", "pkg/gormdb", "pkg/identity"},
		mayNot:   []string{"net/http"},
		why:      "the store is behind the catalog's port, and knows no door",
	},
	{
		packages: []string{"services/web/internal/gormaccounts"},
		may:      []string{"services/web/internal/accounts", "pkg/fault", "pkg/gormdb", "pkg/identity"},
		mayNot:   []string{"net/http"},
		why:      "the store is behind the accounts' port, and knows no door",
	},
	{
		packages: []string{"services/web/internal/iapassertions"},
		may:      []string{"services/web/internal/accounts", "pkg/fault", "pkg/jwks"},
		mayNot:   []string{"database/sql"},
		why:      "it knows who speaks for people, and not what people may do",
	},
	{
		packages: []string{"services/web/internal/argon2hasher"},
		may:      []string{"services/web/internal/accounts", "pkg/fault"},
		mayNot:   []string{"net/http", "database/sql"},
		why:      "how a password is kept does not depend on whose it is or where",
	},
	{
		packages: []string{"services/catalog/catalogclient", "services/upload/uploadclient", "services/web/webclient"},
		may:      []string{"pkg/contract", "pkg/contract/*", "pkg/fault", "pkg/httpx", "pkg/httpx/problem", "pkg/identity", "pkg/kitx"},
		why:      "a client knows the wire and not the service behind it",
	},
	{
		packages: []string{"services/upload/internal/*test", "services/catalog/internal/*test", "services/web/internal/*/*test"},
		may:      []string{"services/$/internal/*", "pkg/..."},
		why:      "a conformance suite or a double knows the port of its own service",
	},
	{
		packages: []string{"services/upload", "services/catalog", "services/web"},
		may:      []string{"services/$/...", "services/*/*client", "pkg/..."},
		why:      "a composition root puts its own service together and reaches others through their clients",
	},
	{
		packages: []string{"services/*/cmd/*"},
		may:      []string{"services/$", "services/$/internal/stack", "services/$/internal/chaos", "services/*/*client", "pkg/..."},
		why:      "a main reads its configuration and starts its root",
	},
	{
		packages: []string{"services/sajin", "services/sajin/internal/*"},
		may:      []string{"services/...", "pkg/..."},
		why:      "it puts whole services together; the compiler keeps it out of their internals",
	},
}

// dependencies says where each module from outside lives.
var dependencies = []dependency{
	{
		prefixes: []string{"golang.org/x/sync", "golang.org/x/time"},
		users:    []string{"pkg/...", "services/..."},
		why:      "as good as the standard library",
	},
	{
		prefixes: []string{
			"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters",
			"go.opentelemetry.io/otel/metric/noop", "go.opentelemetry.io/otel/trace/noop",
		},
		users: []string{"pkg/telemetry/otlp", "pkg/telemetry/telemetrytest"},
		why:   "what records and exports is chosen once; everybody else knows the API only",
	},
	{
		prefixes: []string{"go.opentelemetry.io/proto/otlp"},
		users:    []string{"pkg/telemetry/telemetrytest"},
		why:      "what other processes export is read by tests only",
	},
	{
		prefixes: []string{"go.opentelemetry.io/otel/attribute"},
		users:    []string{"pkg/telemetry", "pkg/telemetry/*", "pkg/httpx", "pkg/gormdb", "pkg/blob/gcsblob", "pkg/event/traced", "pkg/event/gcppubsub", "services/upload", "services/catalog"},
		why:      "what is recorded is named where it happens, at the edges and never in a core",
	},
	{
		prefixes: []string{"go.opentelemetry.io/otel"},
		users:    []string{"pkg/telemetry", "pkg/telemetry/*"},
		why:      "spans and measurements are made in one way",
	},
	{
		prefixes: []string{"golang.org/x/sys"},
		users:    []string{"services/upload/internal/imageworker", "services/sajin/internal/prompt"},
		why:      "limits on processes, files in memory, and the terminals of a test are the system's, and the standard library has no words for them",
	},
	{
		prefixes: []string{"cloud.google.com/go/storage"},
		users:    []string{"pkg/blob/gcsblob", "services/sajin/internal/gcsstatic"},
		why:      "Cloud Storage is behind the blob port, and behind that of the interface's files, which a browser reads and not a service",
	},
	{
		prefixes: []string{"cloud.google.com/go/pubsub"},
		users:    []string{"pkg/event/gcppubsub", "pkg/event/gcppubsub/pubsubtest"},
		why:      "Pub/Sub is behind the event port",
	},
	{
		prefixes: []string{"cloud.google.com/go/cloudsqlconn"},
		users:    []string{"pkg/gormdb/cloudsql"},
		why:      "only a deployment on Cloud SQL pays for its connector",
	},
	{
		prefixes: []string{"google.golang.org/api", "google.golang.org/grpc", "google.golang.org/protobuf", "github.com/googleapis/gax-go/v2"},
		users:    []string{"pkg/blob/gcsblob", "pkg/event/gcppubsub", "pkg/event/gcppubsub/pubsubtest", "services/sajin/internal/gcsstatic", "pkg/telemetry/telemetrytest"},
		why:      "Google's transport belongs to the adapters of Google's products, and OTLP is written in its words",
	},
	{
		prefixes: []string{"cloud.google.com/go/auth"},
		users:    []string{"pkg/serviceauth/googletokens"},
		why:      "Google's credentials are behind the services' own port",
	},
	{
		prefixes: []string{"github.com/go-jose/go-jose/v4"},
		users: []string{
			"pkg/jwks", "pkg/serviceauth/keyring", "pkg/serviceauth/googletokens", "pkg/serviceauth/googletokens/googletest", "services/web/internal/iapassertions",
		},
		why: "signatures are made and judged where their keys are",
	},
	{
		prefixes: []string{"github.com/nats-io/nats-server"},
		users:    []string{"pkg/event/natsevents/natsserver"},
		why:      "a server in the process is for the all-in-one, and a service that runs alone does not carry it",
	},
	{
		prefixes: []string{"github.com/nats-io/nats.go"},
		users:    []string{"pkg/event/natsevents"},
		why:      "NATS is behind the event port",
	},
	{
		prefixes: []string{"gorm.io", "github.com/glebarez", "github.com/go-sql-driver/mysql", "github.com/pressly/goose/v3"},
		users:    []string{"pkg/gormdb", "pkg/gormdb/*", "pkg/platform", "pkg/platform/databases", "services/*/internal/gorm*", "services/catalog", "services/web", "services/sajin"},
		why:      "SQL is behind the stores' ports; a root hands the open database on",
	},
	{
		prefixes: []string{"github.com/go-kit/kit"},
		users:    []string{"pkg/kitx", "services/*/internal/httpapi", "services/*/*client"},
		why:      "endpoints are made by kitx, for a service's door or its client; a core has functions",
	},
	{
		prefixes: []string{"github.com/sony/gobreaker/v2"},
		users:    []string{"pkg/kitx"},
		why:      "one breaker for all clients",
	},
	{
		prefixes: []string{"github.com/caarlos0/env/v11"},
		users:    []string{"pkg/config"},
		why:      "the environment is read in one place",
	},
	{
		prefixes: []string{"github.com/oklog/ulid/v2"},
		users:    []string{"pkg/identity"},
		why:      "ids are made and checked in one place",
	},
	{
		prefixes: []string{"github.com/gen2brain/avif", "github.com/gen2brain/heic", "github.com/gen2brain/jpegn", "go.n16f.net/thumbhash", "golang.org/x/image"},
		users:    []string{"services/upload/internal/goimaging"},
		why:      "codecs are behind the imager's port, and called by name: importing one registers it with image.Decode",
	},
	{
		prefixes: []string{"github.com/bep/imagemeta"},
		users:    []string{"services/upload/internal/imagemetadata"},
		why:      "metadata is behind its reader's port",
	},
	{
		prefixes: []string{"golang.org/x/text/feature", "golang.org/x/text/language"},
		users:    []string{"services/web/internal/pages", "services/catalog/internal/catalog"},
		why:      "languages are the pages' business; the catalog names none when it puts names in order",
	},
	{
		prefixes: []string{"golang.org/x/text/secure/precis"},
		users:    []string{"services/web/internal/accounts"},
		why:      "which spellings are one name and one password is a standard's business (RFC 8264 to 8266)",
	},
	{
		prefixes: []string{"golang.org/x/crypto/argon2"},
		users:    []string{"services/web/internal/argon2hasher"},
		why:      "passwords are behind the hasher's port",
	},
	{
		prefixes: []string{"golang.org/x/text/unicode/norm"},
		users:    []string{"pkg/contract"},
		why:      "what one name is, whoever typed it, is decided once",
	},
	{
		prefixes: []string{"golang.org/x/text/collate"},
		users:    []string{"services/catalog/internal/catalog"},
		why:      "names are listed in the order that people expect, 2 before 10",
	},
	{
		prefixes: []string{"github.com/vbauerster/mpb/v8", "golang.org/x/term"},
		users:    []string{"services/sajin/internal/display", "services/sajin/internal/prompt"},
		why:      "what a terminal shows, and what it hides, is the business of one package each",
	},
	{
		prefixes: []string{
			"github.com/fsouza/fake-gcs-server", "github.com/getkin/kin-openapi", "github.com/google/go-cmp",
			"github.com/rogpeppe/go-internal/testscript", "go.uber.org/goleak", "pgregory.net/rapid",
		},
		tests: true,
		why:   "it serves tests",
	},
}
