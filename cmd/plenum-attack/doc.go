// Command plenum-attack runs calls on a real server and attacks it meanwhile, one
// attack after the other, and fails if anything harms people who have nothing to do
// with it.
//
// For each attack it starts a server of its own on loopback, with signing keys, and
// joins it as honest people do (signaling/client): a room of three with sound and
// pictures, which is measured at every viewer, a room that a newcomer joins each
// second, and where the attack comes from a participant, a room of bystanders that the
// attacker shares. First all of that is measured in peace; then again under attack and
// until the server's memory is back. An attack does harm if, in the other rooms, sound
// is silent for more than 200 ms or a picture stands for more than a second, if a join
// takes more than a second or fails, if a call ends, if the server ends, or if its
// memory does not come back (verdict.go has the bounds). What fails is tried once more,
// beside a baseline measured again, and both are printed.
//
// The attackers are a process of their own, of lower priority, since they would bring
// processors of their own in real life. They open WebSockets and HTTP connections from
// 127.0.0.2 and so on, not from the address of the honest clients, so that limits per address
// hit only the attackers; elsewhere than on Linux these addresses must be
// added to the loopback interface. An attack that forges a victim's address needs a raw
// socket and thus root, and is skipped without. Only loopback is ever attacked: any
// other target is refused.
//
// The attacks are in stranger_*.go (an address, no keys), participant_*.go (a token,
// bad intentions) and luck.go (faults without an attacker).
package main
