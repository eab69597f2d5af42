// Command limit measures the least that forwarding can cost on this machine:
// encrypting packets (AES-128-GCM, a key for each destination) and sending them
// over loopback UDP, with nothing received, decided or rewritten. It sends them in
// three ways: one system call for each, sendmmsg of 64, and sendmmsg of messages
// that the kernel cuts into 6 datagrams (UDP_SEGMENT); flat out, or at a rate and
// in the bursts of a load, because a mostly idle CPU pays more for each packet.
// Another process receives. The results are a JSON list.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	var o options
	drain := flag.Int("drain", 0, "only receive, on so many sockets (used by the program itself)")
	flag.IntVar(&o.size, "size", 1070, "bytes of a datagram")
	flag.IntVar(&o.sockets, "destinations", 100, "destinations")
	flag.IntVar(&o.fanout, "fanout", 100, "destinations of one burst, which take turns")
	flag.IntVar(&o.burst, "burst", 6, "packets for each of them")
	flag.Float64Var(&o.rate, "rate", 0, "packets per second; 0 is flat out")
	flag.DurationVar(&o.duration, "duration", time.Second, "how long each way is measured")
	modes := flag.String("modes", "sendto,sendmmsg,gso", "ways of sending")
	flag.Parse()
	o.modes = strings.Split(*modes, ",")
	var err error
	if *drain > 0 {
		err = receive(*drain, os.Stdin, os.Stdout)
	} else {
		err = run(&o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "limit:", err)
		os.Exit(1)
	}
}

func run(o *options) error {
	if err := o.validate(); err != nil {
		return err
	}
	sinks, stop, err := startReceiver(o.sockets)
	if err != nil {
		return err
	}
	defer stop()
	var results []result
	for _, mode := range o.modes {
		r, err := o.measure(mode, sinks)
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		results = append(results, r)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}
