package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// actOld makes the kernel, for this process and its children, one without a
// system call, and tries to work on it.
func actOld(call string) {
	err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Names: []string{call}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)}},
	}})
	if err != nil {
		fmt.Println("no filter:", err)
		return
	}
	for _, confine := range []bool{true, false} {
		p := sandbox.NewPool(sandbox.Config{Confine: confine})
		err := p.Do(context.Background(), sandbox.Job{Work: []byte("echo x"), Event: func([]byte) error { return nil }})
		p.Close()
		fmt.Println(confine, errors.Is(err, sandbox.ErrUnconfined), err)
	}
}

func TestAKernelThatCannotConfineStartsNoChild(t *testing.T) {
	for call, says := range map[string]string{"landlock_create_ruleset": "Landlock", "seccomp": "seccomp"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_LACKS="+call)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		lines := strings.Split(string(out), "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "true true ") || !strings.Contains(lines[0], says) || lines[1] != "false false <nil>" {
			t.Errorf("without %s:\n%s", call, out)
		}
	}
}
