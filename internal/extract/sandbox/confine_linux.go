package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// confine takes from this process, for good, what its work does not need: it
// may read the given folders and what it has open, and write to what it has
// open. Where the kernel cannot see to all of it, it is an error.
func confine(folders []string) error {
	if err := confineFiles(folders); err != nil {
		return fmt.Errorf("files (Landlock): %w", err)
	}
	if err := confineCalls(); err != nil {
		return fmt.Errorf("system calls (seccomp): %w", err)
	}
	return nil
}

// confineFiles has Landlock refuse every access to the file system but the
// reading of folders. What the first version of Landlock does not know, the
// filter of system calls refuses: truncation by name, and every socket.
func confineFiles(folders []string) error {
	version, err := ll.LandlockGetABIVersion()
	if err != nil || version < 1 {
		return fmt.Errorf("the kernel does not offer it, or it was not enabled when the machine started (version %d, %w)", version, err)
	}
	rules := []landlock.Rule{}
	for _, folder := range folders {
		rules = append(rules, landlock.PathAccess(ll.AccessFSReadFile|ll.AccessFSReadDir, folder).IgnoreIfMissing())
	}
	// The effort is the best that the kernel knows, and never none: see above.
	return landlock.V7.BestEffort().Restrict(rules...)
}

// Flags of open that lead to writing, and those of a thread of this process.
const (
	writing = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND
	thread  = unix.CLONE_THREAD
)

// calls are the system calls that Go's runtime and the reading of documents
// need. Any other fails as one that is not permitted does. The runtime copes
// with that: what it may use and does not have to is refused it here too.
var calls = []string{
	// Open files, and what the parent and the child say to each other.
	"read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "close", "fstat", "newfstatat", "fstatat", "statx",
	"readlinkat", "getdents64", "fcntl", "ftruncate", "fsync", "recvmsg", "sendmsg", "shutdown", "getcwd",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe2", "poll", "ppoll",
	// Memory. Compiled code of the PDF engine is made executable.
	"mmap", "munmap", "mprotect", "mremap", "madvise", "mincore", "brk",
	// Threads and time.
	"futex", "sched_yield", "sched_getaffinity", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
	"membarrier", "set_robust_list", "rseq", "arch_prctl", "timer_create", "timer_settime", "timer_delete", "setitimer",
	// Signals, of which only those to itself can be sent; see below.
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group",
	// What it may know about itself.
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", "getrusage", "getrlimit", "sysinfo", "getrandom",
}

// conditional are the system calls that are allowed with certain arguments.
func conditional() []seccomp.NameWithConditions {
	self := uint64(os.Getpid())
	only := func(name string, argument uint32, op seccomp.Operation, value uint64) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: seccomp.ArgumentConditions{{Argument: argument, Operation: op, Value: value}}}
	}
	return []seccomp.NameWithConditions{
		only("open", 1, seccomp.BitsNotSet, writing),
		only("openat", 2, seccomp.BitsNotSet, writing),
		only("clone", 0, seccomp.BitsSet, thread),
		only("tgkill", 0, seccomp.Equal, self),
		only("kill", 0, seccomp.Equal, self),
		only("prlimit64", 2, seccomp.Equal, 0), // to ask, not to set
		only("prctl", 0, seccomp.Equal, unix.PR_SET_VMA),
		only("prctl", 0, seccomp.Equal, unix.PR_SET_NAME),
	}
}

// confineCalls installs a filter of system calls in all threads.
func confineCalls() error {
	info, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("%s is not known: %w", runtime.GOARCH, err)
	}
	known := func(name string) bool { _, ok := info.SyscallNames[name]; return ok }
	if !known("openat") || !known("exit_group") {
		return fmt.Errorf("the system calls of %s are not known", runtime.GOARCH)
	}
	allowed := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for _, name := range calls {
		if known(name) {
			allowed.Names = append(allowed.Names, name)
		}
	}
	for _, c := range conditional() {
		if known(c.Name) {
			allowed.NamesWithCondtions = append(allowed.NamesWithCondtions, c)
		}
	}
	// A C library, where there is one, takes this answer for an older kernel.
	absent := seccomp.SyscallGroup{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}}
	groups := []seccomp.SyscallGroup{allowed}
	if known("clone3") {
		groups = append(groups, absent)
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: groups}
	return install(policy)
}

func install(policy seccomp.Policy) error {
	program, err := policy.Assemble()
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	stray, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	switch {
	case errno != 0:
		return fmt.Errorf("install the filter: %w", errno)
	case stray != 0:
		return fmt.Errorf("install the filter: thread %d has another", stray)
	}
	return nil
}
