package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
	"socle/inventory"
)

const allColumns = "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password,bmc_outlets,bmc_privacy\n"

// TestWithoutBMC: servers that are fed by the same PDU or switched by the same webhook.
func TestWithoutBMC(t *testing.T) {
	rows, err := Parse(strings.NewReader(allColumns +
		"s1,SN-1,R1,1,PDU,PDU1.example:1161,,public,1; PSU two,\n" +
		"s2,SN-2,R1,2,pdu,pdu1.example:1161,socle:sha256:aes,a long one,2,another one\n" +
		"s3,SN-3,R1,3,pdu,pdu1.example:1161,socle,a long one,2.7,\n" +
		"s4,SN-4,R1,4,webhook,https://Hook.example/p/{machine}?do={action},,s,,\n" +
		"s5,SN-5,R1,5,webhook,https://Hook.example/p/{machine}?do={action},me,s,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []inventory.BMC
	var passwords []secret.Secret
	for _, r := range rows {
		got, passwords = append(got, r.BMC), append(passwords, r.Password)
	}
	const pdu, hook = "pdu1.example:1161", "https://Hook.example/p/{machine}?do={action}"
	want := []inventory.BMC{
		{Protocol: inventory.PDU, Address: pdu, Outlets: []string{"1", "PSU two"}}, {Protocol: inventory.PDU, Address: pdu, User: "socle:sha256:aes", Outlets: []string{"2"}},
		{Protocol: inventory.PDU, Address: pdu, User: "socle", Outlets: []string{"2.7"}},
		{Protocol: inventory.Webhook, Address: hook}, {Protocol: inventory.Webhook, Address: hook, User: "me"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	both := secret.Join(secret.New("a long one"), secret.New("another one"))
	if diff := cmp.Diff([]secret.Secret{secret.New("public"), both, secret.New("a long one"), secret.New("s"), secret.New("s")}, passwords, secrets); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutBMCRefuses(t *testing.T) {
	const good = "s1,SN-1,R1,1,pdu,pdu1,socle,hunter2-hunter2,3,hunter2-private\n"
	line := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	other := func(set string) string {
		return strings.NewReplacer("s1,SN-1,R1,1", "s2,SN-2,R1,2", ",3,", set).Replace(good)
	}
	for _, c := range [][2]string{
		{line(",3,", ",,"), "column bmc_outlets: it is empty: name the outlets"},
		{line(",3,", ",3;,"), `column bmc_outlets: "" is no outlet`},
		{line(",3,", ",3; 3,"), `column bmc_outlets: outlet "3" is there twice`},
		{line(",3,", ",1;2;3;4;5;6;7;8;9,"), "column bmc_outlets: 9 outlets for one server"},
		{line("pdu,", "ipmi,"), "column bmc_outlets: only a server whose bmc_protocol is pdu"},
		{line(",socle,", ",socle:md5:des,"), `column bmc_user: "socle:md5:des" is no user of SNMPv3`},
		{line(",socle,", ",,"), "column bmc_privacy: only a user of SNMPv3"},
		{line("hunter2-private", "hunter2"), "column bmc_privacy: it has 7 bytes"},
		{line("hunter2-hunter2", "hunter2"), "column bmc_password: SNMPv3 has no passwords of less than 8"},
		{line("pdu,pdu1,", "pdu,https://pdu1/,"), "column bmc_address: \"https://pdu1/\" is no address"},
		{good + other(",3,"), "line 3, column bmc_outlets: outlet 3 of the PDU pdu1 is that of line 2 too"},
		{"s1,SN-1,R1,1,webhook,http://h/{machine},,hunter2,,\n", "column bmc_address: \"http://h/{machine}\" is no address of a webhook"},
		{"s1,SN-1,R1,1,webhook,https://u:p@h/,,hunter2,,\n", "is no address of a webhook"},
		{"s1,SN-1,R1,1,webhook,https://h/{name},,hunter2,,\n", "is no address of a webhook"},
		{"s1,SN-1,R1,1,webhook,https://h/x,,hunter2,,\ns2,SN-2,R1,2,webhook,https://h/x,,hunter2,,\n", "line 3, column bmc_address: webhook https://h/x is that of line 2 too"},
		{"s1,SN-1,R1,1,redfish,h,,hunter2,,\n", "column bmc_user: it is empty"},
	} {
		_, err := Parse(strings.NewReader(allColumns + c[0]))
		var errs Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s%v, want %q", c[0], err, c[1])
		}
	}
}
