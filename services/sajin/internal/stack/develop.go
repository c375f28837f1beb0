package stack

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// lookEvery is how often the sources are looked at. Asking for some hundred
// files takes a few milliseconds, and works in every file system.
const lookEvery = 300 * time.Millisecond

// Develop runs until ctx ends, and then closes the stack. Meanwhile a service
// whose files have changed is built again and started in
// place of the one that runs, and scripts that have changed are built for the
// next page. What does not build is told, and the old one goes
// on; one that ends by itself is told, and is started again when it is built
// again.
func (s *Stack) Develop(ctx context.Context, o Options, from *Sources) error {
	d, err := s.developer(o, from)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.Close()
		case <-tick.C:
			d.look(ctx)
		}
	}
}

// developer builds and starts again what changes. It is not safe for concurrent
// use.
type developer struct {
	stack   *Stack
	options Options
	sources *Sources
	told    map[string]bool // of the processes that have ended by themselves
	broken  []string        // the programs that did not build
}

func (s *Stack) developer(o Options, from *Sources) (*developer, error) {
	var err error
	if o.Bin, err = filepath.Abs(o.Bin); err != nil { // it is built in the folder of the sources
		return nil, fmt.Errorf("stack: %w", err)
	}
	return &developer{stack: s, options: o, sources: from, told: map[string]bool{}}, nil
}

// look does what has to be done now.
func (d *developer) look(ctx context.Context) {
	programs, file := d.sources.changed()
	if len(programs) > 0 {
		d.build(ctx, programs, file)
	}
	if d.sources.scripts != nil {
		if file := d.sources.scripts.changed(); file != "" {
			d.bundle(ctx, file)
		}
	}
	for _, p := range d.stack.started {
		select {
		case <-p.Exited():
			if !d.told[p.Name] {
				d.say("%s has ended by itself (%s). It is started again when something of it changes.", p.Name, p.State())
			}
			d.told[p.Name] = true
		default:
		}
	}
}

// bundle builds the scripts, which web reads again for every page.
func (d *developer) bundle(ctx context.Context, file string) {
	file, began := d.short(file), time.Now()
	if err := d.sources.scripts.build(ctx); err != nil {
		if ctx.Err() == nil {
			d.say("%s has changed, and does not build: %v", file, err)
		}
		return
	}
	d.say("%s has changed: the scripts are new after %s. Load the page again.", file, time.Since(began).Round(100*time.Millisecond))
}

// short is a file's name from the checkout's root.
func (d *developer) short(file string) string {
	if short, err := filepath.Rel(d.sources.root, file); err == nil {
		return short
	}
	return file
}

func (d *developer) build(ctx context.Context, programs []string, file string) {
	file = d.short(file)
	began := time.Now()
	programs = append(programs, d.broken...)
	slices.Sort(programs)
	programs = slices.Compact(programs)
	if err := buildIn(ctx, d.sources.root, d.options.Bin, programs...); err != nil {
		d.broken = programs
		d.say("%s has changed, and does not build: %v", file, err)
		return
	}
	d.broken = nil
	if err := d.sources.list(ctx); err != nil { // it may import something else now
		d.say("%v", err)
	}
	for _, program := range programs {
		p := d.stack.Process(path.Base(program))
		err := p.Stop()
		if startErr := p.Start(ctx); startErr != nil {
			err = errors.Join(err, startErr)
		}
		if ctx.Err() != nil {
			return
		}
		d.told[p.Name] = false
		if err != nil {
			d.say("%s has changed; %v", file, err)
			continue
		}
		d.say("%s has changed: %s is new after %s.", file, p.Name, time.Since(began).Round(100*time.Millisecond))
	}
}

func (d *developer) say(format string, values ...any) {
	_, _ = fmt.Fprintf(d.options.Out, "stack | "+format+"\n", values...) // a terminal that is gone needs no word
}
