package main

import (
	"fmt"
	"time"

	"plenum/sfu"
	"plenum/signaling"
)

// tokenCommand mints an access token and prints it.
type tokenCommand struct {
	KeyFile string        `required:"" placeholder:"FILE" help:"File of signing keys; the first one signs."`
	Room    string        `required:"" placeholder:"ROOM" help:"Room that the token opens, or * for any."`
	Name    string        `placeholder:"NAME" help:"Name that its bearer goes by; without it the client chooses."`
	Expires time.Duration `default:"24h" placeholder:"DURATION" help:"How long the token is good for a join."`

	NoPublish   bool `help:"Its bearer may not send audio and video."`
	NoSubscribe bool `help:"Its bearer may not receive audio and video."`
	NoMessage   bool `help:"Its bearer may not send messages."`
}

// Run mints.
func (c *tokenCommand) Run(s streams) error {
	keys, err := signaling.ReadKeys(c.KeyFile)
	if err != nil {
		return err
	}
	token, err := signaling.Mint(keys, signaling.Claims{
		Room: c.Room, Name: c.Name,
		Grants: sfu.Grants{Publish: !c.NoPublish, Subscribe: !c.NoSubscribe, Message: !c.NoMessage},
	}, c.Expires)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}
