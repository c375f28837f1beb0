package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/sajin/internal/prompt"
	"github.com/sajin-gallery/sajin/services/web"
)

// createUserCommand makes the owner's account, as the set-up link does.
func createUserCommand(ctx context.Context, args []string, stdout io.Writer) error {
	n := web.NewAccount{}
	return withAccounts(ctx, "createuser", args, stdout,
		func(flags *flag.FlagSet) { flags.StringVar(&n.Email, "email", "", "") },
		func(db *gorm.DB, name, password string) error {
			n.Name, n.Password = name, password
			if err := web.CreateOwner(ctx, db, n); err != nil {
				return err
			}
			_, err := fmt.Fprintf(stdout, "%s owns the gallery and can sign in where it runs with SAJIN_AUTH=password.\n", name)
			return err
		})
}

// passwdCommand replaces a forgotten password.
func passwdCommand(ctx context.Context, args []string, stdout io.Writer) error {
	return withAccounts(ctx, "passwd", args, stdout, func(*flag.FlagSet) {},
		func(db *gorm.DB, who, password string) error {
			name, err := web.SetPassword(ctx, db, who, password)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(stdout, "The password of %s is changed. All browsers are signed out, and all tokens are revoked.\n", name)
			return err
		})
}

// withAccounts reads a command line with one name, and the password from the
// terminal or the standard input: the command line is for everybody on the
// machine to see. The gallery may run meanwhile.
func withAccounts(ctx context.Context, name string, args []string, stdout io.Writer, define func(*flag.FlagSet), do func(db *gorm.DB, who, password string) error) error {
	flags := flag.NewFlagSet("sajin "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "", "")
	define(flags)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helped(stdout, usageError("%w", err))
	case err != nil:
		return usageError("%w", err)
	case flags.NArg() != 1:
		return usageError("sajin %s needs one name", name)
	}
	environ := os.Environ()
	if *data != "" {
		environ = append(environ, "SAJIN_DATA_DIR="+*data)
	}
	db, done, err := openAccounts(ctx, environ)
	if err != nil {
		return err
	}
	defer done()
	password, err := prompt.Secret(ctx, os.Stdin, os.Stderr, "Password of "+flags.Arg(0))
	if err != nil {
		return err
	}
	err = do(db, flags.Arg(0), password)
	if said := sentence(err); err != nil && said != "" && fault.KindOf(err) != fault.Internal {
		return errors.New(said)
	}
	return err
}

// openAccounts opens the database of accounts, and makes it where there is none.
func openAccounts(ctx context.Context, environ []string) (*gorm.DB, func(), error) {
	var c configuration
	if err := c.load(environ); err != nil {
		return nil, nil, err
	}
	if err := platform.MakeDataDir(c.common.DataDir); err != nil {
		return nil, nil, err
	}
	c.adapters.Auth = config.AuthPassword // an account is made before it is asked for
	adapters, err := everything.Open(ctx, c.adapters, platform.Accounts)
	if err != nil {
		return nil, nil, err
	}
	if c.web.Migrate {
		if err := web.Migrate(ctx, adapters.Accounts); err != nil {
			adapters.Close()
			return nil, nil, err
		}
	}
	return adapters.Accounts, adapters.Close, nil
}
