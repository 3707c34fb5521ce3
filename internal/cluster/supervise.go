package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A server that ends by itself more often than maxCrashes within crashWindow
// is not started again.
const (
	maxCrashes  = 5
	crashWindow = time.Minute
)

type restart struct {
	ctx    context.Context
	answer chan<- error
}

// supervise owns the server: it alone starts and stops it once the cluster is
// up. It ends with the server.
func (c *Cluster) supervise(running *server) {
	defer close(c.done)
	var crashes []time.Time
	for {
		var err error
		select {
		case ctx := <-c.stop:
			open := c.seeOff(ctx)
			c.end(running.stop(ctx))
			open()
			return
		case asked := <-c.restart:
			running, err = c.again(asked.ctx, running)
			asked.answer <- err
		case <-running.exited:
			if c.alive.Err() != nil {
				continue // Stop was called at that very moment
			}
			crashes = recent(append(crashes, time.Now()))
			if len(crashes) > maxCrashes {
				err = running.failure(fmt.Sprintf("ended by itself %d times within a minute", len(crashes)))
				break
			}
			c.options.Log.Warn("PostgreSQL ended by itself and is started again", "state", running.state(), "log", c.layout.log)
			running, err = c.again(c.alive, running)
		}
		if err != nil && c.alive.Err() == nil {
			c.end(err)
			return
		}
	}
}

// again stops the server where it still runs, and starts it.
func (c *Cluster) again(ctx context.Context, old *server) (*server, error) {
	if err := old.stop(ctx); err != nil {
		return old, err
	}
	started, err := c.launchPatiently(ctx)
	if err != nil {
		return old, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = started
	return started, nil
}

// end notes why the server is gone, and lets go of the folder.
func (c *Cluster) end(err error) {
	c.giveUp()
	err = errors.Join(err, c.lock.Unlock())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func recent(times []time.Time) []time.Time {
	for len(times) > 0 && time.Since(times[0]) > crashWindow {
		times = times[1:]
	}
	return times
}
