// Command sajin is the whole gallery in one program: the three services in one
// process, with everything they keep in one folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/upload"
)

const usage = `Sajin keeps your photographs and shows them in a web gallery.

Usage:

	sajin [serve] [-addr host:port] [-data folder]
	sajin upload [-server URL] [-album A] [-concurrency N] [-receipt FILE] [-dry-run] PATH…
	sajin import folder [as upload] DIR…
	sajin import takeout [as upload] DIR|ZIP…
	sajin import django -dsn user:password@tcp(host)/database -media DIR|gs://bucket [as upload]
	sajin sweep [-dry-run] [-all] [-retry-failed] [-data folder]
	sajin purge [-dry-run] [-retry-failed] [-data folder]
	sajin rebuild [-dry-run] [-data folder]
	sajin migrate [-dry-run] [-data folder]
	sajin verify [-data folder] [-concurrency N] RECEIPT… | -all
	sajin doctor [-data folder]
	sajin collectstatic [-dry-run] [-prune-older-than 720h] gs://bucket|file:///folder
	sajin samples [-count N] DIR
	sajin createuser [-email ADDRESS] [-data folder] NAME
	sajin passwd [-data folder] NAME
	sajin version
	sajin help

serve is what happens when nothing is said: the gallery on
http://127.0.0.1:8080, with everything it keeps in ./sajin-data.

upload sends pictures, and all in folders, to a gallery that runs, by default at
http://127.0.0.1:8080. It sends nothing that is there already; folders become
albums, below -album. Interrupted, the same command goes on where it stopped.
It ends with 0 when all is well, with 1 and a table of what failed and why, and
with 2 when the command line is wrong.

import brings in whole collections, again without sending anything twice: a
folder with its structure as albums, or what Google Photos exports (Takeout) with
dates, captions, places and albums (give all parts of an export at once), or the
pictures of a table t_images that Django made. It takes the flags of upload and
ends as it does.

sweep finishes what a crash left undone in the pictures' store, and says what it
does; -all looks at everything and tells the catalog of every picture again,
-retry-failed tries again what could not be processed. rebuild makes the catalog
again from what is stored with the pictures. Both work while the gallery is
stopped, and change nothing with -dry-run.

purge does once what a gallery does on a clock: it deletes for good what has been
in the trash for 30 days, and names it, forgets old changes, and passes on what
is waiting; with -retry-failed also what could not be passed on and was set aside.
With -dry-run it says so, and does nothing. migrate brings the
database up to date, before a new version is started; with -dry-run it only says
how far the database is. sweep, purge and migrate are what jobs run where
services in the cloud sleep between requests.

verify reads the stored originals again and compares them with receipts (of
upload -receipt), or with -all with everything that the store says of itself. It
names every difference and then ends with 1. The gallery may go on meanwhile.

doctor looks at everything that the gallery runs on (settings, rights, the
bucket's notification and CORS rules, subscriptions, database, clock) and says
what is wrong and which command mends it. It ends with 1 where something is.

collectstatic brings the interface's files to where SAJIN_STATIC_URL has browsers
get them: compressed, under names that never change. It sends what is new and
says what is older; that stays for pages of older versions, unless it has not
been current for as long as -prune-older-than says.

samples draws pictures, 24 by default, into a folder: something to try a gallery
with. They are the same ones each time.

createuser makes the account that owns a gallery which runs with
SAJIN_AUTH=password, as the link does that such a gallery tells at its first
start. passwd replaces a password, signs out all browsers and revokes all tokens.
Both ask for the password, or read a line of their input, and work while the
gallery runs.

Flags override the variables SAJIN_ADDR and SAJIN_DATA_DIR;
docs/operations.md lists all variables.
`

// command does one thing that the command line can ask for; args are the words
// after its name.
type command func(ctx context.Context, args []string, stdout io.Writer) error

var commands = map[string]command{
	"serve":         serveCommand,
	"upload":        uploadCommand,
	"import":        importCommand,
	"sweep":         sweepCommand,
	"purge":         purgeCommand,
	"rebuild":       rebuildCommand,
	"migrate":       migrateCommand,
	"verify":        verifyCommand,
	"createuser":    createUserCommand,
	"passwd":        passwdCommand,
	"doctor":        doctorCommand,
	"collectstatic": collectstaticCommand,
	"samples":       samplesCommand,
	"version": func(_ context.Context, _ []string, stdout io.Writer) error {
		_, err := fmt.Fprintln(stdout, version())
		return err
	},
	"help": func(_ context.Context, _ []string, stdout io.Writer) error {
		_, err := io.WriteString(stdout, usage)
		return err
	},
}

func main() {
	upload.ImageWorker()
	os.Exit(sajin(os.Args[1:], os.Stdout, os.Stderr))
}

// sajin is main with its surroundings given, for the tests.
func sajin(args []string, stdout, stderr io.Writer) int {
	return process.Main("sajin", stderr, func(ctx context.Context) error {
		name := "serve"
		if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
			name, args = args[0], args[1:]
		}
		run, ok := commands[name]
		if !ok {
			return usageError("there is no command %q", name)
		}
		return run(ctx, args, stdout)
	})
}

func serveCommand(ctx context.Context, args []string, stdout io.Writer) error {
	var c configuration
	flags := flag.NewFlagSet("sajin serve", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	addr := flags.String("addr", "", "")
	data := flags.String("data", "", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return usageError("%w", err)
	case flags.NArg() > 0:
		return usageError("%q is one word too many", flags.Arg(0))
	}
	environ := os.Environ()
	if *addr != "" {
		environ = append(environ, "SAJIN_ADDR="+*addr)
	}
	if *data != "" {
		environ = append(environ, "SAJIN_DATA_DIR="+*data)
	}
	if err := c.load(environ); err != nil {
		return err
	}
	return serve(ctx, c, stdout)
}
