package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// guestWait is how long a stop waits for guests, who do one thing and go.
const guestWait = 10 * time.Second

// Guest is a server that another process runs, entered by its socket. It lives
// as long as that process lets it: a stop waits for guests, but not for long.
type Guest struct {
	layout  layout
	dataDir string
	lock    *flock.Flock // shared; keeps the server up for a moment
}

// errAway says that there is no server to enter at this moment: it is on its way
// up or down.
var errAway = errors.New("the server is on its way up or down")

// StartOrEnter starts the cluster as [Start] does, or enters it where another
// process runs it already; one of the two results is nil. A server that is on its
// way up or down is waited for, within Options.StartTimeout.
//
// Whoever enters must be the user who started the server: nobody else is let in.
func StartOrEnter(ctx context.Context, options Options) (*Cluster, *Guest, error) {
	if options.StartTimeout == 0 {
		options.StartTimeout = 5 * time.Minute
	}
	for end := time.Now().Add(options.StartTimeout); ; {
		c, err := Start(ctx, options)
		var inUse *InUseError
		if !errors.As(err, &inUse) {
			return c, nil, err
		}
		g, err := enter(ctx, inUse.DataDir, options.Roles)
		if !errors.Is(err, errAway) {
			return nil, g, err
		}
		if time.Now().After(end) {
			return nil, nil, fmt.Errorf("%w, and its server does not answer", inUse)
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(5 * glance):
		}
	}
}

// enter enters the server of a folder that another process holds. It makes no
// file or folder.
func enter(ctx context.Context, dir string, roles []string) (*Guest, error) {
	owner, err := accountFor(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	g := &Guest{layout: layoutOf(dir, owner), dataDir: dir}
	g.lock = flock.New(g.layout.guests(), flock.SetFlag(os.O_RDONLY))
	switch entered, err := g.lock.TryRLock(); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !entered:
		return nil, errAway
	case err != nil:
		return nil, otherUser(dir, err)
	}
	if err := g.knock(ctx, roles); err != nil {
		return nil, errors.Join(err, g.Leave())
	}
	return g, nil
}

// knock logs in as one of the roles, or as the superuser where there is none.
func (g *Guest) knock(ctx context.Context, roles []string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	role := Superuser
	if len(roles) > 0 {
		role = roles[0]
	}
	conn, err := pgx.Connect(ctx, g.URL(Database, role))
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return conn.Close(ctx)
	case errors.Is(err, fs.ErrPermission), errors.As(err, &refused) && refused.Code == "28000" && refused.Message != noRole(role):
		return otherUser(g.dataDir, err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", errAway, err)
}

// noRole is what the server says of a role that is still to be made.
func noRole(role string) string { return fmt.Sprintf("role %q does not exist", role) }

// otherUser says who may enter.
func otherUser(dir string, err error) error {
	who := "the user who runs it"
	if info, missing := os.Stat(filepath.Join(dir, "lock")); missing == nil {
		uid, _ := ownerOf(info)
		if name, unknown := accountName(uid); unknown == nil {
			who = name
		}
	}
	return fmt.Errorf("the server on the data folder %s lets in nobody but %s: run this as that user (%w)", dir, who, err)
}

// URL is the connection string for a database and a role.
func (g *Guest) URL(database, role string) string { return socketURL(g.layout.socket, database, role) }

// Leave lets go of the server, which goes on.
func (g *Guest) Leave() error {
	if err := g.lock.Unlock(); err != nil {
		return fmt.Errorf("leave the server on the data folder %s: %w", g.dataDir, err)
	}
	return g.lock.Close()
}

// receive makes the file that guests hold while they are in.
func (c *Cluster) receive() error {
	f, err := os.OpenFile(c.layout.guests(), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the file that keeps a stop waiting for others: %w", err)
	}
	return f.Close()
}

// seeOff waits for guests to leave, and lets none in any more until the function
// that it gives is called. Those who stay for long are not waited for.
func (c *Cluster) seeOff(ctx context.Context) (open func()) {
	within := min(allowance(ctx), guestWait)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	lock := flock.New(c.layout.guests(), flock.SetFlag(os.O_RDONLY))
	if alone, err := lock.TryLockContext(ctx, glance); !alone {
		c.options.Log.Warn("stopping PostgreSQL although another program still uses it", "waited", within, "error", err)
	}
	return func() { _ = lock.Close() }
}
