// Package cluster runs a private PostgreSQL server out of the binaries that
// are installed, for those who want a service and no database to look after.
//
// The server listens on a Unix socket that only the user who started it can
// reach, keeps everything in one folder, and lives as long as the Cluster that
// started it: it is a child process in a session of its own, so a Ctrl-C meant
// for the program does not end it under the program's feet. What a killed
// program left running is stopped before the data is opened again.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Superuser is the role that may do everything in the cluster, and Database
// the one that it can always be reached through.
const (
	Superuser = "postgres"
	Database  = "postgres"
)

// Options say where the cluster lies and who may speak to it. Only DataDir is
// required.
type Options struct {
	// DataDir is the folder that holds everything of the cluster. It is made
	// where it is missing; one that holds something else is refused.
	DataDir string
	// Roles are the roles, beside Superuser, as which whoever starts the
	// cluster may log in. They need not exist yet.
	Roles []string
	// Throwaway trades durability for speed: for data that a test will drop.
	Throwaway bool
	// Settings of postgresql.conf that go beyond or against the defaults here.
	// Where it listens is not among what they can change.
	Settings map[string]string
	// StartTimeout bounds the wait for the server to answer, recovery after a
	// crash included. Zero means five minutes.
	StartTimeout time.Duration
	// Search says where PostgreSQL is looked for; zero means DefaultSearch.
	Search Search
	// Log is told of crashes and recoveries; nil means slog.Default.
	Log *slog.Logger
}

// Cluster is a running server. Its methods may be called from several
// goroutines.
type Cluster struct {
	options Options
	program Installation
	layout  layout
	account account
	lock    *flock.Flock

	done    chan struct{} // closed when the server is gone for good
	stop    chan context.Context
	restart chan restart
	once    sync.Once
	alive   context.Context // ends with Stop
	giveUp  context.CancelFunc

	mu     sync.Mutex
	server *server // the one that runs, or ran last
	err    error   // why done was closed
}

// Start makes the cluster where there is none, starts it, and returns when it
// answers. ctx bounds the start only; Stop ends the server.
//
// Errors to tell apart: MissingError, with the command that installs what is
// missing, InUseError, and StartError, with the last lines of the server's log.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	c, err := prepare(options)
	if err != nil {
		return nil, err
	}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.lock.Unlock())
	}
	go c.supervise(c.server)
	return c, nil
}

// prepare takes the folder, so that nobody else does.
func prepare(options Options) (*Cluster, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	if options.DataDir == "" {
		return nil, errors.New("start PostgreSQL: no data folder given")
	}
	dir, err := filepath.Abs(options.DataDir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder %s: %w", options.DataDir, err)
	}
	options.DataDir = dir
	if options.StartTimeout == 0 {
		options.StartTimeout = 5 * time.Minute
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Search.zero() {
		options.Search = DefaultSearch()
	}
	if err := makeRoot(dir); err != nil {
		return nil, err
	}
	lock, err := take(dir)
	if err != nil {
		return nil, err
	}
	alive, giveUp := context.WithCancel(context.Background())
	return &Cluster{
		options: options, lock: lock, alive: alive, giveUp: giveUp,
		done: make(chan struct{}), stop: make(chan context.Context, 1), restart: make(chan restart),
	}, nil
}

// open brings the server up on the folder, whatever was left there.
func (c *Cluster) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.StartTimeout)
	defer cancel()
	var err error
	if c.account, err = accountFor(filepath.Join(c.options.DataDir, "data")); err != nil {
		return err
	}
	// Before any folder is made: with a server comes the account that it runs as.
	if c.program, err = choose(ctx, c.options.Search, layoutOf(c.options.DataDir, c.account)); err != nil {
		return err
	}
	if c.layout, err = lay(c.options.DataDir, c.account); err != nil {
		return err
	}
	if err := c.receive(); err != nil {
		return err
	}
	if err := c.stopLeftover(ctx); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	if err := writeSettings(c.layout, c.options); err != nil {
		return err
	}
	if c.server, err = c.launchPatiently(ctx); err != nil {
		return err
	}
	if err := c.checkVectors(ctx); err != nil {
		return errors.Join(err, c.server.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// URL is the connection string for a database and a role of the cluster:
// Superuser or one of Options.Roles.
func (c *Cluster) URL(database, role string) string {
	return socketURL(c.layout.socket, database, role)
}

// DataDir is the folder that holds the cluster, absolute.
func (c *Cluster) DataDir() string { return c.options.DataDir }

// LogFile is where the server writes what it has to say.
func (c *Cluster) LogFile() string { return c.layout.log }

// Version is the server's major version, 15 to 18.
func (c *Cluster) Version() int { return c.program.Version }

// PID is the process id of the server that runs now, or ran last.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server.pid()
}

// Done is closed when the server is gone and will not be started again: after
// Stop, or when it keeps ending by itself. Err then says which.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err is nil until Done is closed, and after an orderly Stop.
func (c *Cluster) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stop ends the server: sessions are cut, what was committed is safe. It
// presses harder after the deadline of ctx, or half a minute, and returns when
// the server is gone; that ctx was cancelled does not matter. Stopping twice is
// no error.
func (c *Cluster) Stop(ctx context.Context) error {
	c.once.Do(func() {
		c.stop <- ctx
		c.giveUp()
	})
	<-c.done
	return c.Err()
}

// Restart stops the server and starts it again on the same data, as an
// upgrade of its packages would.
func (c *Cluster) Restart(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case c.restart <- restart{ctx, answer}:
	case <-c.done:
		return errors.New("restart PostgreSQL: it was stopped")
	}
	return <-answer
}

// makeRoot makes the folder, which stays with the user that starts Bartizan.
// Others may pass through it, to folders that are closed to them, because the
// server may run as another user than root.
func makeRoot(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("make the data folder %s: %w", dir, err)
	}
	return nil
}
