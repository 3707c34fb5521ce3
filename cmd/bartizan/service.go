package main

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/cluster"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/service"
)

// databaseFlags say where the database is.
type databaseFlags struct {
	DatabaseURL    string `name:"database-url" env:"DATABASE_URL" placeholder:"URL" help:"PostgreSQL 15 to 18 with pgvector, as the role that owns the tables. Default: a private server in --data-dir." group:"Database"`
	AppDatabaseURL string `name:"app-database-url" env:"BARTIZAN_APP_DATABASE_URL" placeholder:"URL" help:"The same database as a login that is a member of bartizan_app only. Default: --database-url, which then becomes bartizan_app." group:"Database"`
	DataDir        string `name:"data-dir" env:"BARTIZAN_DATA_DIR" type:"path" placeholder:"DIR" help:"Folder of the private server and of the installation's secret. Default: /var/lib/bartizan for root, else bartizan in your data folder." group:"Database"`
}

// logFlags say how to log.
type logFlags struct {
	LogFormat string `name:"log-format" env:"BARTIZAN_LOG_FORMAT" enum:"text,json" default:"text" help:"How to write the log: text or json." group:"Log"`
	LogLevel  string `name:"log-level" env:"BARTIZAN_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"What to log: debug, info, warn or error." group:"Log"`
}

func (f *logFlags) logger(s streams) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.LogLevel)) // kong has checked it
	opt := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, opt))
	}
	return slog.New(slog.NewTextHandler(s.err, opt))
}

// serverModelFlags say which model the server asks.
type serverModelFlags struct {
	LLMBaseURL       string        `name:"llm-base-url" env:"BARTIZAN_LLM_BASE_URL,OPENAI_BASE_URL" placeholder:"URL" help:"OpenAI-compatible endpoint. Default: OpenAI's, where a model is named." group:"Model"`
	LLMModel         string        `name:"llm-model" env:"BARTIZAN_LLM_MODEL" placeholder:"NAME" help:"Model to ask. Without one, the built-in analyst works alone." group:"Model"`
	LLMAPIKey        string        `name:"llm-api-key" env:"BARTIZAN_LLM_API_KEY,OPENAI_API_KEY" placeholder:"KEY" help:"API key; better in the environment. Never logged or stored." group:"Model"`
	LLMTimeout       time.Duration `name:"llm-timeout" default:"5m" help:"How long one call may take." group:"Model"`
	Concurrency      int           `default:"4" help:"How many calls one analysis may have under way. Limits of an organization hold across all workers." group:"Model"`
	EmbeddingModel   string        `name:"embedding-model" env:"BARTIZAN_EMBEDDING_MODEL" placeholder:"NAME" help:"Embedding model at the same endpoint. Default: the built-in embedding." group:"Model"`
	EmbeddingBaseURL string        `name:"embedding-base-url" env:"BARTIZAN_EMBEDDING_BASE_URL" placeholder:"URL" help:"Another endpoint for embeddings." group:"Model"`
}

// secretFlags are what an installation keeps to itself.
type secretFlags struct {
	Secret         string `name:"secret" env:"BARTIZAN_SECRET" placeholder:"TEXT" help:"Secret of the installation, at least 32 characters, the same for every process on one database (openssl rand -base64 32). Signs tickets and audit checkpoints. Default with a private server: kept in --data-dir." group:"Secrets"`
	EncryptionKeys string `name:"encryption-keys" env:"BARTIZAN_ENCRYPTION_KEYS" placeholder:"ID:KEY,..." help:"Keys that encrypt model answers and webhook secrets at rest, the one to use first; 32 bytes each in base 64. Default with a private server: one made from its secret." group:"Secrets"`
}

// keys are what is made of the secret.
type keys struct {
	ticket, fence []byte
	audit         ed25519.PrivateKey
	ring          *postgres.Keyring
}

const minSecret = 32

// keys makes all keys. A secret of the data folder is made where there is none,
// by the process that runs the server.
func (f *secretFlags) keys(at *place) (*keys, error) {
	secret := f.Secret
	if secret == "" {
		var err error
		if secret, err = at.secret(); err != nil {
			return nil, err
		}
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the secret has %d characters: at least %d are needed (make one with: openssl rand -base64 32)", len(secret), minSecret)
	}
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, "bartizan "+purpose, 32)
		if err != nil {
			panic(err) // only for lengths that no hash can give
		}
		return key
	}
	k := &keys{ticket: derive("ticket"), fence: derive("fence"), audit: ed25519.NewKeyFromSeed(derive("audit"))}
	if s := os.Getenv("BARTIZAN_FENCE_SECRET"); s != "" {
		k.fence = []byte(s)
	}
	spec := f.EncryptionKeys
	if spec == "" && at.private() {
		spec = "data:" + base64.StdEncoding.EncodeToString(derive("rest"))
	}
	var err error
	if k.ring, err = postgres.ParseKeys(spec); err != nil {
		return nil, fmt.Errorf("--encryption-keys: %w", err)
	}
	return k, nil
}

// secret is that of the installation where none is given.
func (p *place) secret() (string, error) {
	if !p.private() {
		return "", errors.New("with --database-url, several processes share one database and must share one secret: set BARTIZAN_SECRET (make one with: openssl rand -base64 32)")
	}
	path := filepath.Join(p.dataDir, "secret")
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		return strings.TrimSpace(string(raw)), nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("reading the installation's secret: %w", err)
	case p.guest != nil:
		return "", errors.New("the server that is running was given its secret: set BARTIZAN_SECRET to the same")
	}
	return makeSecret(path)
}

// makeSecret makes the secret of a data folder.
func makeSecret(path string) (string, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("making the installation's secret: %w", err)
	}
	secret := base64.StdEncoding.EncodeToString(random)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the installation's secret: %w", err)
	}
	return secret, nil
}

// folder is the data folder, made where it is missing.
func (f *databaseFlags) folder() (string, error) {
	dir := f.DataDir
	if dir == "" {
		var err error
		if dir, err = defaultDataDir(); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the data folder: %w; give another with --data-dir", err)
	}
	return dir, nil
}

func defaultDataDir() (string, error) {
	if os.Getuid() == 0 {
		return "/var/lib/bartizan", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "bartizan"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding your data folder: %w; give one with --data-dir", err)
	}
	return filepath.Join(home, ".local", "share", "bartizan"), nil
}

// Roles of the private server.
const (
	ownerRole = "bartizan_owner"
	appRole   = "bartizan_app"
	database  = "bartizan"
)

// place is a database that can be opened: the given one, a private server that
// is running, or that of another process, entered.
type place struct {
	cfg     postgres.Config
	cluster *cluster.Cluster // nil for any but a private server of this process
	guest   *cluster.Guest   // nil for any but a server that was entered
	dataDir string
}

func (p *place) private() bool { return p.cluster != nil || p.guest != nil }

// close stops the private server, or leaves that of another process.
func (p *place) close(ctx context.Context) error {
	switch {
	case p.cluster != nil:
		return p.cluster.Stop(ctx)
	case p.guest != nil:
		return p.guest.Leave()
	}
	return nil
}

// find settles where the database is, and starts the private server where none
// is given.
func (f *databaseFlags) find(ctx context.Context, log *slog.Logger) (*place, error) {
	return f.findBy(ctx, log, func(ctx context.Context, o cluster.Options) (*cluster.Cluster, *cluster.Guest, error) {
		c, err := cluster.Start(ctx, o)
		return c, nil, err
	})
}

// visit is find for those who do one thing and go: a private server that another
// process runs is entered.
func (f *databaseFlags) visit(ctx context.Context, log *slog.Logger) (*place, error) {
	return f.findBy(ctx, log, cluster.StartOrEnter)
}

// starting starts the private server, or enters it where it runs already.
type starting func(context.Context, cluster.Options) (*cluster.Cluster, *cluster.Guest, error)

func (f *databaseFlags) findBy(ctx context.Context, log *slog.Logger, start starting) (*place, error) {
	if f.DatabaseURL != "" {
		return &place{cfg: postgres.Config{URL: f.DatabaseURL, AppURL: f.AppDatabaseURL}, dataDir: f.DataDir}, nil
	}
	if f.AppDatabaseURL != "" {
		return nil, errors.New("--app-database-url is of no use without --database-url, which migrates and keeps house")
	}
	dir, err := f.folder()
	if err != nil {
		return nil, err
	}
	c, guest, err := start(ctx, cluster.Options{DataDir: filepath.Join(dir, "postgres"), Roles: []string{ownerRole, appRole}, Log: log})
	if err != nil {
		return nil, err
	}
	if guest != nil {
		p := &place{cfg: configOf(guest), guest: guest, dataDir: dir}
		if err := migratedSoon(ctx, p.cfg.URL); err != nil {
			return nil, errors.Join(err, guest.Leave())
		}
		return p, nil
	}
	if err := c.MakeDatabase(ctx, database, ownerRole, appRole); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return &place{cfg: configOf(c), cluster: c, dataDir: dir}, nil
}

// server is a private one: ours, or one that was entered.
type server interface {
	URL(database, role string) string
}

func configOf(x server) postgres.Config {
	return postgres.Config{URL: x.URL(database, ownerRole), AppURL: x.URL(database, appRole)}
}

// preparing is how long the process that runs a private server may take, once
// that answers, to make the database and migrate it.
const preparing = 20 * time.Second

// migratedSoon waits until the process that runs the server has made the database
// what this program expects. That process, not this one, migrates: it would be
// surprised by a newer one.
func migratedSoon(ctx context.Context, url string) error {
	for end := time.Now().Add(preparing); ; {
		steps, err := postgres.Status(ctx, url)
		left := slices.ContainsFunc(steps, func(m postgres.Migration) bool { return m.AppliedAt.IsZero() })
		switch {
		case err == nil && !left:
			return nil
		case time.Now().Before(end):
		case err != nil:
			return err
		default:
			return errors.New("the server that is running is of an older version than this program, and so is its database: stop it, and start it with this version")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// open opens the database. A private one is migrated first: nobody else is
// there to be surprised. The lease is that of claims on questions and calls.
func (p *place) open(ctx context.Context, log *slog.Logger, lease time.Duration) (*postgres.DB, error) {
	if p.cluster != nil {
		if err := postgres.Migrate(ctx, p.cfg.URL); err != nil {
			return nil, err
		}
	}
	cfg := p.cfg
	cfg.Lease = lease
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for _, w := range db.Warnings() {
		log.Warn(w)
	}
	return db, nil
}

// serviceFlags are what serve, worker and admin have in common.
type serviceFlags struct {
	databaseFlags     `embed:""`
	serverModelFlags  `embed:""`
	secretFlags       `embed:""`
	logFlags          `embed:""`
	confinementFlags  `embed:"" group:"Reading"`
	WebhooksToPrivate bool `name:"webhooks-to-private" env:"BARTIZAN_WEBHOOKS_TO_PRIVATE" help:"Let webhooks call private, loopback and link-local addresses."`
	// Lease is less in tests, which cannot wait so long.
	Lease time.Duration `hidden:"" default:"30s" help:"How long work outlives a process that died before another takes it up: longer than any pause of a process. The same for every process on one database."`
}

// installation is the service, open.
type installation struct {
	place   *place
	db      *postgres.DB
	service *service.Service
	keys    *keys
	log     *slog.Logger
	readers *extract.Pool
	lease   time.Duration
}

// open opens everything that the service needs, for a process that serves.
func (f *serviceFlags) open(ctx context.Context, s streams, meter service.Meter) (*installation, error) {
	return f.openAt(ctx, s, meter, f.find)
}

// openAt opens everything at a place. What was opened is closed again where
// something fails.
func (f *serviceFlags) openAt(
	ctx context.Context, s streams, meter service.Meter, find func(context.Context, *slog.Logger) (*place, error),
) (_ *installation, err error) {
	if f.Concurrency < 1 {
		return nil, fmt.Errorf("--concurrency %d: it must be 1 or more", f.Concurrency)
	}
	if f.Lease < time.Second {
		return nil, fmt.Errorf("--lease %s: it must be 1s or more", f.Lease)
	}
	x := &installation{log: f.logger(s), lease: f.Lease}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close(context.WithoutCancel(ctx)))
		}
	}()
	if x.place, err = find(ctx, x.log); err != nil {
		return nil, err
	}
	if x.keys, err = f.keys(x.place); err != nil {
		return nil, err
	}
	if x.db, err = x.place.open(ctx, x.log, f.Lease/2); err != nil {
		return nil, err
	}
	reading, err := f.confinementFlags.options()
	if err != nil {
		return nil, err
	}
	x.readers = extract.NewPool(reading)
	reading.Pool = x.readers
	cfg := service.Config{
		DB: x.db, Extract: reading, Version: version, WebhooksToPrivate: f.WebhooksToPrivate,
		Keys: x.keys.ring, Log: x.log, Meter: meter, AuditKey: x.keys.audit,
		Model: service.Model{
			BaseURL: f.endpoint(), Name: f.LLMModel, APIKey: f.LLMAPIKey, Timeout: f.LLMTimeout, Concurrency: f.Concurrency,
			EmbeddingModel: f.EmbeddingModel, EmbeddingBaseURL: f.EmbeddingBaseURL, FenceSecret: x.keys.fence,
		},
	}
	x.service, err = service.New(cfg)
	return x, err
}

func (f *serverModelFlags) endpoint() string {
	if f.LLMBaseURL == "" && f.LLMModel != "" {
		return openAI
	}
	return f.LLMBaseURL
}

// close closes what is open, the database last.
func (x *installation) close(ctx context.Context) error {
	var errs []error
	if x.service != nil {
		x.service.Close()
	}
	if x.readers != nil {
		x.readers.Close()
	}
	if x.db != nil {
		x.db.Close()
	}
	if x.place != nil {
		errs = append(errs, x.place.close(ctx))
	}
	return errors.Join(errs...)
}

// serverSecrets are the secrets in the flags of whatever works on a server.
func (c *commands) serverSecrets() []string {
	var out []string
	for _, f := range []*serviceFlags{
		&c.Serve.serviceFlags, &c.Worker.serviceFlags, &c.Audit.Verify.serviceFlags,
		&c.Admin.CreateOrganization.serviceFlags, &c.Admin.CreateToken.serviceFlags, &c.Admin.Organizations.serviceFlags,
	} {
		out = append(out, f.LLMAPIKey, f.Secret, f.EncryptionKeys)
		out = append(out, f.passwords()...)
	}
	return append(append(out, c.Migrate.Up.passwords()...), c.Migrate.Status.passwords()...)
}

// passwords are those in the URLs of the database.
func (f *databaseFlags) passwords() []string {
	var out []string
	for _, raw := range []string{f.DatabaseURL, f.AppDatabaseURL} {
		u, err := url.Parse(raw)
		if err != nil || u.User == nil {
			continue
		}
		if p, ok := u.User.Password(); ok {
			out = append(out, p, url.QueryEscape(p))
		}
	}
	return out
}
