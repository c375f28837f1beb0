package httpapi

import (
	"io"
	"net/http"
	"net/url"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

const accountPath = "/account"

// accountNotices are the messages that the account's page may be asked to show.
var accountNotices = map[string]bool{"password_changed": true, "session_ended": true, "token_revoked": true}

func (s *Server) showAccount(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "notice")
	if err != nil {
		return err
	}
	view := pages.AccountView{}
	if notice := q.String("notice"); accountNotices[notice] {
		view.Notice = notice
	}
	return s.writeAccount(w, r, http.StatusOK, view)
}

// writeAccount completes the view with what there is.
func (s *Server) writeAccount(w http.ResponseWriter, r *http.Request, status int, view pages.AccountView) error {
	actor, _ := actorOf(r.Context()) // the guard has let it in
	view.Frame, view.Name, view.Email = s.frame(r), actor.Account.Name, actor.Account.Email
	view.Path, view.Here = accountPath, accountPath
	view.External, view.MinPassword = s.Assertions != nil, accounts.MinPasswordRunes
	if !view.External {
		sessions, err := s.Accounts.Sessions(r.Context(), actor)
		if err != nil {
			return err
		}
		tokens, err := s.Accounts.Tokens(r.Context(), actor)
		if err != nil {
			return err
		}
		view.Sessions, view.Tokens = sessionsOf(sessions, actor.Session), tokensOf(tokens)
	}
	return writePage(w, status, func(out io.Writer) error { return s.Pages.Account(out, view) })
}

func sessionsOf(all []accounts.Session, current string) []pages.Session {
	out := make([]pages.Session, len(all))
	for i, one := range all {
		out[i] = pages.Session{
			ID: one.ID, Browser: browserOf(one.Agent), Address: one.Address, Began: one.CreatedAt, Seen: one.SeenAt, Current: one.ID == current,
		}
	}
	return out
}

func tokensOf(all []accounts.Token) []pages.Token {
	out := make([]pages.Token, len(all))
	for i, one := range all {
		out[i] = pages.Token{ID: one.ID, Name: one.Name, Made: one.CreatedAt}
		if !one.UsedAt.IsZero() {
			out[i].Used = &one.UsedAt
		}
	}
	return out
}

// changePassword replaces the password, and the session with it.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	actor, _ := actorOf(r.Context()) // the guard has let it in
	in, err := s.Accounts.ChangePassword(r.Context(), actor, form.Get("current"), form.Get("password"), s.visit(r))
	if err != nil {
		failure, err := s.formFailure(w, r, err)
		if err != nil {
			return err
		}
		return s.writeAccount(w, r, failure.Status, pages.AccountView{PasswordFailure: failure})
	}
	s.note(r, "a password was changed", "account", actor.Account.ID)
	s.keep(w, r, in)
	s.backToAccount(w, "password_changed")
	return nil
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	actor, _ := actorOf(r.Context()) // the guard has let it in
	if err := s.Accounts.SignOut(r.Context(), actor, r.PathValue("id")); err != nil {
		return err
	}
	s.backToAccount(w, "session_ended")
	return nil
}

// makeToken shows the token on the page that answers, and never again: it is in
// no address and in no cookie.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	actor, _ := actorOf(r.Context()) // the guard has let it in
	text, token, err := s.Accounts.MakeToken(r.Context(), actor, form.Get("name"))
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		failure := failureOf(r.Context(), err)
		return s.writeAccount(w, r, failure.Status, pages.AccountView{TokenFailure: &failure})
	}
	if err != nil {
		return err
	}
	s.note(r, "a token was made", "account", actor.Account.ID, "token", token.ID)
	return s.writeAccount(w, r, http.StatusCreated, pages.AccountView{NewToken: text, NewTokenName: token.Name})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	actor, _ := actorOf(r.Context()) // the guard has let it in
	if err := s.Accounts.Revoke(r.Context(), actor, r.PathValue("id")); err != nil {
		return err
	}
	s.note(r, "a token was revoked", "account", actor.Account.ID, "token", r.PathValue("id"))
	s.backToAccount(w, "token_revoked")
	return nil
}

func (s *Server) backToAccount(w http.ResponseWriter, notice string) {
	seeOther(w, &url.URL{Path: accountPath, RawQuery: url.Values{"notice": {notice}}.Encode()})
}
