package accounts

import (
	"context"
	"crypto/subtle"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// NewAccount is what somebody enters to get an account.
type NewAccount struct {
	Name     string
	Email    string // may be ""
	Password string
}

// IsSetUp reports whether the gallery has its owner's account.
func (s *Service) IsSetUp(ctx context.Context) (bool, error) {
	if s.claimed.Load() {
		return true, nil
	}
	n, err := s.store.Count(ctx)
	if n > 0 && err == nil {
		s.claimed.Store(true)
	}
	return n > 0, fault.Wrap("accounts.IsSetUp", err)
}

// Invite gives the token of a set-up link, by which the owner's account can be
// made once, within SetupLife, or "" where there is an account. A token that an
// operator has chosen is good until then. Several links may be good at once:
// each process of a new gallery makes its own.
func (s *Service) Invite(ctx context.Context) (string, error) {
	if done, err := s.IsSetUp(ctx); err != nil || done {
		return "", err
	}
	if s.token != "" {
		return s.token, nil
	}
	token := secret()
	err := s.store.AddSetup(ctx, hashOf(token), s.now().Add(SetupLife))
	return token, fault.Wrap("accounts.Invite", err)
}

// CheckInvitation is nil when the token of a set-up link is good.
func (s *Service) CheckInvitation(ctx context.Context, token string) error {
	done, err := s.IsSetUp(ctx)
	switch {
	case err != nil:
		return err
	case done:
		return ErrSetUp
	case token == "" || len(token) > maxTokenBytes:
		return ErrSetupToken
	}
	hash := hashOf(token)
	if s.setup != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(s.setup)) == 1 {
		return nil
	}
	good, err := s.store.HasSetup(ctx, hash, s.now())
	if err != nil || good {
		return fault.Wrap("accounts.CheckInvitation", err)
	}
	// All links end with the account, which may have been made this moment.
	switch done, err = s.IsSetUp(ctx); {
	case err != nil:
		return err
	case done:
		return ErrSetUp
	default:
		return ErrSetupToken
	}
}

// SetUp makes the owner's account by a set-up link and signs it in. All links
// end with it.
func (s *Service) SetUp(ctx context.Context, token string, n NewAccount, v Visit) (SignedIn, error) {
	if err := s.CheckInvitation(ctx, token); err != nil {
		return SignedIn{}, err
	}
	account, err := s.CreateOwner(ctx, n)
	if err != nil {
		return SignedIn{}, err
	}
	return s.begin(ctx, account, v)
}

// CreateOwner makes the owner's account. There is one: a second is ErrSetUp.
func (s *Service) CreateOwner(ctx context.Context, n NewAccount) (Account, error) {
	a := Account{ID: FirstID, Role: RoleOwner, CreatedAt: s.now()}
	var err error
	if a.Name, err = checkName(n.Name); err != nil {
		return Account{}, err
	}
	if a.Email, err = checkEmail(n.Email); err != nil {
		return Account{}, err
	}
	password, err := checkPassword(n.Password, a)
	if err != nil {
		return Account{}, err
	}
	if a.PasswordHash, err = s.hasher.Hash(ctx, password); err != nil {
		return Account{}, fault.Wrap("accounts.CreateOwner", err)
	}
	return a, s.create(ctx, a)
}

func (s *Service) create(ctx context.Context, a Account) error {
	keys := Keys{}
	keys.Name, _ = nameKey(a.Name)   // both were checked
	keys.Email, _ = nameKey(a.Email) // "" has none
	err := s.store.Create(ctx, a, keys)
	if fault.KindOf(err) == fault.Conflict && err != nil {
		return ErrSetUp.With("accounts.create", err)
	}
	return fault.Wrap("accounts.create", err)
}

// Asserted is whom an identity provider speaks for.
type Asserted struct {
	Subject string // at the provider, which never gives it to another
	Email   string
}

// Admit gives the account of somebody for whom an identity provider speaks. The
// first who comes becomes the owner; where the owner has an account with that
// e-mail address already, it is theirs. Everybody else is ErrNotInvited.
func (s *Service) Admit(ctx context.Context, who Asserted) (Account, error) {
	account, err := s.store.BySubject(ctx, who.Subject)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return account, fault.Wrap("accounts.Admit", err)
	}
	if account, err = s.byEmail(ctx, who); err == nil || fault.KindOf(err) != fault.NotFound {
		return account, err
	}
	account = Account{ID: FirstID, Role: RoleOwner, Subject: who.Subject, CreatedAt: s.now()}
	if account.Email, err = checkEmail(who.Email); err != nil {
		return Account{}, err
	}
	local, _, _ := strings.Cut(account.Email, "@")
	if account.Name, err = checkName(cut(local, MaxNameRunes)); err != nil {
		return Account{}, err
	}
	if err := s.create(ctx, account); fault.KindOf(err) == fault.Conflict && err != nil {
		// Another one was first, or this one by another request.
		return s.lateComer(ctx, who, err)
	} else if err != nil {
		return Account{}, err
	}
	return account, nil
}

// byEmail finds an account that nobody at the provider is said to be, by the
// address that the provider vouches for.
func (s *Service) byEmail(ctx context.Context, who Asserted) (Account, error) {
	key, ok := nameKey(who.Email)
	if !ok || !strings.Contains(key, "@") {
		return Account{}, ErrNoAccount
	}
	account, err := s.store.Find(ctx, key)
	if err != nil {
		return Account{}, fault.Wrap("accounts.byEmail", err)
	}
	if err := s.store.SetSubject(ctx, account.ID, who.Subject); err != nil {
		return s.lateComer(ctx, who, err)
	}
	account.Subject = who.Subject
	return account, nil
}

func (s *Service) lateComer(ctx context.Context, who Asserted, cause error) (Account, error) {
	if fault.KindOf(cause) != fault.Conflict {
		return Account{}, fault.Wrap("accounts.Admit", cause)
	}
	account, err := s.store.BySubject(ctx, who.Subject)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return Account{}, ErrNotInvited.With("accounts.Admit", cause)
	}
	return account, fault.Wrap("accounts.Admit", err)
}
