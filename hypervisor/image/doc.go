// Package image looks at, checks, converts and makes the files of disks.
//
// # Guarantees
//
//   - A file of unknown origin is judged by its header alone, read here, before any tool opens it: its format is never
//     guessed by the emulator, and one that refers to another file (a backing file, an external data file, a parent, an
//     extent) is refused with [ErrReference], for it could name any file of the host. So is what claims to be larger than
//     the limit.
//   - What is made is made under another name, synced and renamed: a file that is there is whole. An overlay that is there is
//     never made anew, for it holds a machine's data.
//   - Tools run with a limit on memory, end with their context, and read no configuration of the user.
//
// # Needs
//
// qemu-img and prlimit in the path. The formats are raw, qcow2, vmdk, vhd and vhdx.
//
// # What it may not know
//
// What the disks are for, where they come from, and who uses them now: growing a file that a machine has open is
// the driver's work.
package image
