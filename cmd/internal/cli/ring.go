package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

// ringFlags are the flags that the commands below ring share.
type ringFlags struct {
	json   bool
	device adminapi.NewDevice // of add and plan
}

// defineDevice defines the flags of a new device.
func (f *ringFlags) defineDevice(c *cobra.Command) {
	c.Flags().Float64Var(&f.device.Weight, "weight", 0, "share of the data relative to other devices; 0 takes the size of the file system in GiB")
	c.Flags().StringVar(&f.device.Zone, "zone", "", "failure domain of the device; replicas go to different ones")
}

func (p *program) ring() *cobra.Command {
	c := &cobra.Command{
		Use:   "ring",
		Short: "Show and change the devices of a running server",
		Long: `Show how objects are placed, and change the devices while the server serves.

A drained device gives away what it holds and can then be removed; one marked failed is written off and its
copies are made again elsewhere. "ring plan" shows what a change would move before it is made.`,
		Args: args(0, ""),
	}
	addRemoteFlags(c)
	f := new(ringFlags)
	c.PersistentFlags().BoolVar(&f.json, "json", false, "print JSON")
	show := p.ringShow(f)
	c.RunE = show.RunE
	c.AddCommand(show, p.ringAdd(f),
		p.ringChange(f, "drain", "Move everything off a device", "is being drained"),
		p.ringChange(f, "fail", "Write a device off; its copies are made again elsewhere", "is marked failed"),
		p.ringChange(f, "activate", "Take a drained or failed device back", "is active"),
		p.ringChange(f, "remove", "Remove a device that is drained or failed", "is removed"),
		p.ringWeight(f), p.ringPlan(f))
	return c
}

func (p *program) ringShow(f *ringFlags) *cobra.Command {
	return &cobra.Command{Use: "show", Short: "Show partitions, balance, dispersion and devices", Args: args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				r, err := cl.Ring(ctx)
				if err != nil {
					return err
				}
				if f.json {
					return printJSON(p.out, r)
				}
				return printRing(p.out, r)
			})
		}}
}

func (p *program) ringAdd(f *ringFlags) *cobra.Command {
	c := &cobra.Command{Use: "add DIR", Short: "Add a device in a data folder", Args: args(1, "DIR")}
	f.defineDevice(c)
	c.RunE = func(c *cobra.Command, a []string) (err error) {
		if f.device.Path, err = absolute(a[0]); err != nil {
			return err
		}
		return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
			d, err := cl.AddDevice(ctx, f.device)
			if err != nil {
				return err
			}
			return p.printDevice(d, f.json, "added")
		})
	}
	return c
}

// ringChange is a command that changes the state of a device.
func (p *program) ringChange(f *ringFlags, verb, short, done string) *cobra.Command {
	return &cobra.Command{Use: verb + " ID", Short: short, Args: args(1, "ID"),
		RunE: func(c *cobra.Command, a []string) error {
			id, err := deviceID(a[0])
			if err != nil {
				return err
			}
			return p.changeDevice(c, f, adminapi.Change{Verb: verb, ID: id}, done)
		}}
}

func (p *program) ringWeight(f *ringFlags) *cobra.Command {
	return &cobra.Command{Use: "weight ID WEIGHT", Short: "Change the share of a device", Args: args(2, "ID WEIGHT"),
		RunE: func(c *cobra.Command, a []string) error {
			ch, err := weightChange(a[0], a[1])
			if err != nil {
				return err
			}
			return p.changeDevice(c, f, ch, "has weight "+a[1])
		}}
}

func (p *program) changeDevice(c *cobra.Command, f *ringFlags, ch adminapi.Change, done string) error {
	return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
		d, err := cl.ChangeDevice(ctx, ch)
		if err != nil {
			return err
		}
		return p.printDevice(d, f.json, done)
	})
}

func (p *program) ringPlan(f *ringFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "plan [add DIR | weight ID WEIGHT | drain ID | fail ID | activate ID | remove ID]",
		Short: "Show what a change would move, or what is under way",
	}
	f.defineDevice(c)
	c.RunE = func(c *cobra.Command, a []string) error {
		ch, err := change(a, &f.device)
		if err != nil {
			return err
		}
		return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
			pl, err := cl.Plan(ctx, ch)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(p.out, pl)
			}
			return printPlan(p.out, pl)
		})
	}
	return c
}

// change reads the arguments of plan.
func change(a []string, device *adminapi.NewDevice) (ch adminapi.Change, err error) {
	if len(a) == 0 {
		return ch, nil
	}
	if len(a) == 3 && a[0] == "weight" {
		return weightChange(a[1], a[2])
	}
	if len(a) != 2 {
		return ch, fmt.Errorf("%w: aureole ring plan [add DIR | weight ID WEIGHT | drain ID | fail ID | activate ID | remove ID]", errUsage)
	}
	ch.Verb = a[0]
	switch a[0] {
	case "add":
		device.Path, err = absolute(a[1])
		ch.Device = device
	case "drain", "fail", "activate", "remove":
		ch.ID, err = deviceID(a[1])
	default:
		err = fmt.Errorf("%w: %q is no change of the ring", errUsage, a[0])
	}
	return ch, err
}

func weightChange(id, weight string) (adminapi.Change, error) {
	n, err := deviceID(id)
	if err != nil {
		return adminapi.Change{}, err
	}
	w, err := strconv.ParseFloat(weight, 64)
	if err != nil || !(w >= 0) {
		return adminapi.Change{}, fmt.Errorf("%w: %q is not a weight", errUsage, weight)
	}
	return adminapi.Change{Verb: "weight", ID: n, Weight: w}, nil
}

func deviceID(s string) (uint16, error) {
	id, err := strconv.ParseUint(s, 10, 16)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("%w: %q is not the number of a device; aureole ring lists them", errUsage, s)
	}
	return uint16(id), nil
}

// remote runs f with a client and a context that ends with a signal.
func (p *program) remote(c *cobra.Command, f func(context.Context, *adminapi.Client) error) error {
	cl, err := p.client(c)
	if err != nil {
		return err
	}
	ctx, cancel := interrupted(c.Context())
	defer cancel()
	return f(ctx, cl)
}

func (p *program) printDevice(d adminapi.Device, asJSON bool, what string) error {
	if asJSON {
		return printJSON(p.out, d)
	}
	_, err := fmt.Fprintf(p.out, "device %d (%s) %s\n", d.ID, d.Path, what)
	return err
}

func printRing(w io.Writer, r adminapi.Ring) error {
	fmt.Fprintf(w, "ring version %d: %d partitions, %d of %d replicas, writes wait for %d\n", r.Version, r.Partitions, r.Width, r.Replicas, r.Quorum)
	fmt.Fprintf(w, "balance %.2f %%, dispersion %.2f %%, overload %.0f %%\n", r.Balance, r.Dispersion, 100*r.Overload)
	copies := "counting the copies"
	if r.PendingCopy >= 0 {
		copies = fmt.Sprintf("%d copies", r.PendingCopy)
	}
	fmt.Fprintf(w, "pending: %d partitions to move, %s to make or give away\n\n", r.PendingMoves, copies)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSTATE\tHEALTH\tZONE\tWEIGHT\tPARTITIONS\tOFF\tBLOBS\tUSED\tFREE\tPATH")
	for _, d := range r.Devices {
		state := d.State
		if d.Removable {
			state += ", removable"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%.4g\t%d\t%+.2f %%\t%d\t%s\t%s\t%s\n",
			d.ID, state, d.Health, d.Zone, d.Weight, d.Partitions, d.Off, d.Blobs, bytesText(d.Bytes), bytesText(d.FreeBytes), d.Path)
	}
	return t.Flush()
}

func printPlan(w io.Writer, pl adminapi.Plan) error {
	fmt.Fprintf(w, "%d replicas move in the first step, %d in later ones; then balance %.2f %%, dispersion %.2f %%\n", pl.Moves, pl.Pending, pl.Balance, pl.Dispersion)
	if len(pl.Flows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "FROM\tTO\tREPLICAS")
	name := func(id uint16) string {
		if id == 0 {
			return "-"
		}
		return strconv.Itoa(int(id))
	}
	for _, f := range pl.Flows {
		fmt.Fprintf(t, "%s\t%s\t%d\n", name(f.From), name(f.To), f.Replicas)
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// bytesText prints a size for people.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, suffix := float64(n), ""
	for _, s := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		if value /= unit; value < unit || s == "PiB" {
			suffix = s
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}
