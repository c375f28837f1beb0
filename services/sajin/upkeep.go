package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

// errRunning is what somebody reads who asks for upkeep of a folder that a
// gallery is using.
var errRunning = errors.New("the gallery is running and uses this data folder; stop it first, and start it again afterwards")

// upkeep reads the command line of a command that works on the data of a
// gallery that does not run. define adds the command's own flags. Where the
// answer is help, c is nil.
func upkeep(name string, args []string, stdout io.Writer, define func(*flag.FlagSet)) (c *configuration, err error) {
	flags := flag.NewFlagSet("sajin "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "", "")
	define(flags)
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return nil, err
	case err != nil:
		return nil, usageError("%w", err)
	case flags.NArg() > 0:
		return nil, usageError("%q is one word too many", flags.Arg(0))
	}
	environ := os.Environ()
	if *data != "" {
		environ = append(environ, "SAJIN_DATA_DIR="+*data)
	}
	c = &configuration{}
	return c, c.load(ofService(environ))
}

// ofService takes the address away that a service which runs apart listens on: in
// its environment nothing says who signs in, and a command listens nowhere.
func ofService(environ []string) []string {
	for _, each := range environ {
		if strings.HasPrefix(each, "SAJIN_SERVICE_AUTH=") {
			return append(environ, "SAJIN_ADDR=127.0.0.1:0")
		}
	}
	return environ
}

// openUpkeep opens what a command needs, or says that a gallery runs there.
func openUpkeep(ctx context.Context, c *configuration, need platform.Need) (*platform.Adapters, error) {
	if c.inFolder&need != 0 { // a job in the cloud has no disk to write to
		if err := platform.MakeDataDir(c.common.DataDir); err != nil {
			return nil, err
		}
	}
	adapters, err := everything.Open(ctx, c.adapters, need)
	if fault.KindOf(err) == fault.Locked {
		return nil, errRunning
	}
	return adapters, err
}

// sentence is what an error tells a person.
func sentence(err error) string { return fault.Public(err).Detail }
