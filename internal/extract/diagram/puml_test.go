package diagram

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlantUMLElements(t *testing.T) {
	runReadIn(t, "plantuml", "@startuml\n", []readTest{
		{"words, names and what they are shown as", "component api\nnode \"Web server\" as web\ndatabase db as \"Orders DB\"\nqueue \"Events\"\nactor :End user: as u\nactor Ann\nstorage Files\ncloud Internet\nartifact app.jar\nperson Bob", []string{
			`process api "api"`, `process web "Web server"`, `store db "Orders DB"`, `store Events "Events"`, `external u "End user"`,
			`external Ann "Ann"`, `store Files "Files"`, `external Internet "Internet"`, `process app.jar "app.jar"`, `external Bob "Bob"`,
		}},
		{"brackets, colons and parentheses", "[Orders API] as api\n[Web]\n:Customer: as c\n(Pay) as pay\nusecase \"Check out\" as uc\n() \"HTTP\" as h", []string{
			`process api "Orders API"`, `process Web "Web"`, `external c "Customer"`, `process pay "Pay"`, `process uc "Check out"`, `process h "HTTP"`,
		}},
		{"stereotypes, colours, tags and links", "component \"Pay\" as p <<external>> #LightBlue;line:red $ext [[https://x.example Pay]]\nrectangle DB <<database>>\n[S] <<service>> #red", []string{
			`external p "Pay"`, `store DB "DB"`, `process S "S"`,
		}},
		{"marks of a label are not shown", "component \"**Orders**\\nAPI <color:red>v2</color> //fast// [[https://x.example the docs]] <&key>\" as a", []string{`process a "Orders API v2 fast the docs"`}},
		{"labels over lines", "component a [\n  == Orders\n  API\n  ----\n  takes orders\n]\nrectangle \"Web\napp\" as w\na --> w", []string{`process a "Orders API"`, `process w "Web app"`, "a -> w"}},
		{"what stands above a rule in a label is the name", "component [Web\\n---\\nPort 4200] as w\nnode \"DB\\n====\\nprimary\" as d\nrectangle \"--\\nCache\" as c", []string{`process w "Web"`, `store d "DB"`, `process c "Cache"`}},
		{"relations of ArchiMate, as far as anything goes along them", "Application_Component(a, \"A\")\nTechnology_Service(b, \"B\")\nRel_Serving_Up(b, a, \"serves\")\nRel_Access_r(a, b)\nRel_Access_rw_Left(a, b)\nRel_Composition_Down(a, b, \"\")\nAppEntityColoring(\"x\")", []string{
			`process a "A" [Application Component]`, `process b "B" [Technology Service]`, "b -> a serves", "b -> a", "a <-> b",
		}},
		{"containers hold others; empty ones are elements", "package \"Shop\" as shop {\n  node k8s {\n    [API]\n    database DB\n  }\n  frame empty {\n  }\n  together {\n   [X]\n  }\n}\ncloud \"AWS\" #eee {\n}\ndatabase \"Cluster\" {\n  folder A\n}", []string{
			`group shop "Shop"`, `group k8s "k8s" in shop`, `group Cluster "Cluster"`, `process empty "empty" in shop`, `external AWS "AWS"`,
			`process API "API" in k8s`, `store DB "DB" in k8s`, `process X "X" in shop`, `process A "A" in Cluster`,
		}},
		{"what was only pointed at lies where it is declared", "[A] --> [B]\npackage P {\n [B]\n [A] --> [C]\n}\npackage Q {\n [C] --> [A]\n}", []string{
			`group P "P"`, `group Q "Q"`, `process A "A"`, `process B "B" in P`, `process C "C" in P`, "A -> B", "A -> C", "C -> A",
		}},
		{"ports are ways into what is around them", "component X {\n portin in1\n portout out1\n [Y]\n}\n[A] --> in1\nout1 --> [B]", []string{
			`group X "X"`, `process Y "Y" in X`, `process A "A"`, `process B "B"`, "A -> X", "X -> B",
		}},
		{"interfaces join", "[Web] ..> HTTPS\n() HTTPS\nHTTPS - [API]\n[API] -( SQL\ninterface SQL\n[DB] -() SQL\n() lonely\n[API] --> lonely", []string{
			`process Web "Web"`, `process API "API"`, `store DB "DB"`, `process lonely "lonely"`,
			"API -> lonely", "Web -> API HTTPS", "API -> DB SQL",
		}},
	})
}

func TestPlantUMLArrows(t *testing.T) {
	var tests []readTest
	ab := func(edges ...string) []string { return append([]string{`process A "A"`, `process B "B"`}, edges...) }
	for _, arrow := range []string{"-->", "->", "--->", "..>", ".>", "=>", "==>", "~>", "~~>", "->>", "-->>", "-up->", "-u->", "-left->", "-do->", "-[#red,dashed]->", "-[bold]->", "-down[#green]->", "-[#red]up->", "--|>", "o-->", "*-->", "0-->", "-(", "--(0", "-[#blue]-(", `-\\`} {
		tests = append(tests, readTest{"one way " + arrow, "[A] " + arrow + " [B]", ab("A -> B")})
	}
	for _, arrow := range []string{"<--", "<-", "<..", "<|--", "<<--", "<-up-", "<-[#red]-", "<==", ")-", "<--o"} {
		tests = append(tests, readTest{"backwards " + arrow, "[A] " + arrow + " [B]", ab("B -> A")})
	}
	for _, arrow := range []string{"--", "-", "..", "==", "~~", "<-->", "<->", "o--", "--o", "*--", "--*", "+--", "#--#", "--0", "--@", "--^", "0--0", "-left-", "x--x", "-(0)-", "-()-"} {
		tests = append(tests, readTest{"no or both directions " + arrow, "[A] " + arrow + " [B]", ab("A <-> B")})
	}
	tests = append(tests, []readTest{
		{"no arrow is drawn", "[A] -[hidden]-> [B]", ab()},
		{"labels", "[A] --> [B] : reads, **TLS**\\n1.3", ab("A -> B reads, TLS 1.3")},
		{"a label without blanks, and a colour", "[A]-->[B] #line:red;text:blue: https://x.example/a", ab("A -> B https://x.example/a")},
		{"numbers at the ends", `[A] "1" --> "many" [B] : has`, ab("A -> B has")},
		{"quoted names", `component "A a" as a` + "\n" + `"A a" --> "B b"`, []string{`process a "A a"`, `process B b "B b"`, "a -> B b"}},
		{"names without blanks around", "component a.b\na.b-->order", []string{`process a.b "a.b"`, `process order "order"`, "a.b -> order"}},
		{"an actor and a use case", ":Main admin: --> (Use the app) : starts", []string{`external Main admin "Main admin"`, `process Use the app "Use the app"`, "Main admin -> Use the app starts"}},
		{"how use cases relate is no flow", "actor A\nactor B\nA <|-- B\n(x) .> (y) : <<include>>\n(x) ..> (z) : extends", []string{`external A "A"`, `external B "B"`, `process x "x"`, `process y "y"`, `process z "z"`}},
		{"arrows to a note and to itself", "[A] --> [B]\nnote \"careful\" as N\nN .. [A]\n[A] --> [A]", ab("A -> B")},
		{"an arrow to a group", "package P {\n[A]\n}\n[B] --> P", []string{`group P "P"`, `process A "A" in P`, `process B "B"`, "B -> P"}},
		{"starts and ends of states", "[A] --> [B]\n[*] --> [A]", ab("A -> B")},
		{"what is not understood is told", "[A] --> [B]\n[A] -->\nnonsense here\n}\n[A] --> [B] and more", ab("A -> B", `line 3: "[A] -->" is not understood`, `line 4: "nonsense here" is not understood`, `line 5: "}" is not understood`, `line 6: "[A] --> [B] and more" is not understood`)},
	}...)
	runReadIn(t, "plantuml", "@startuml\n", tests)
}

func TestPlantUMLSequence(t *testing.T) {
	runReadIn(t, "puml", "@startuml\n", []readTest{
		{"participants", "participant \"Orders API\" as api order 10\nactor Ann as A #red\ndatabase DB <<store>>\nqueue Q\ncollections C\nboundary W\nparticipant x [\n =Title\n ----\n \"\"sub\"\"\n]\nA -> api : GET /orders", []string{
			`process api "Orders API"`, `external A "Ann"`, `store DB "DB"`, `store Q "Q"`, `store C "C"`, `process W "W"`, `process x "Title"`, "A -> api GET /orders",
		}},
		{
			"all arrows", "A -> B: 1\nA --> B: 2\nA ->> B: 3\nA -->> B: 4\nA ->x B: 5\nA -\\ B: 6\nA -\\\\ B: 7\nA -/ B: 8\nA -//B: 9\nA ->o B: 10\nA <-> B: 11\nA <- B: 12\nA <<-- B: 13\nA \\\\- B: 14\nA -[#red]> B: 15\nA -[#0000FF,dashed]-> B: 16\nA->B:17\nA <->o B : 18",
			[]string{
				`process A "A"`, `process B "B"`, "A -> B 1", "A -> B 2", "A -> B 3", "A -> B 4", "A -> B 5", "A -> B 6", "A -> B 7", "A -> B 8", "A -> B 9", "A -> B 10",
				"A <-> B 11", "B -> A 12", "B -> A 13", "B -> A 14", "A -> B 15", "A -> B 16", "A -> B 17", "A <-> B 18",
			},
		},
		{
			"fragments, notes, activation, delays and references", "autonumber\nA -> B ++ #gold : in\nalt ok\nB -> C ** : new\nelse failed\nloop 3 times\nB --> A -- : out\nend\nend\ngroup My [label]\nreturn done\nend\nnote over A, B : A -> Z : no\nnote left\nA -> Q : no\nend note\nhnote over A : x\n== Part two ==\n...5 minutes...\n|||\n||45||\nactivate A\ndeactivate A\ndestroy C\nref over A, B : see\nref over A\nmore\nend ref\n& A -> C : too\n{s} A -> C : t\n{e} C -> A : u\n{s} <-> {e} : long\nnewpage\nhide footbox\nskinparam sequence {\n ArrowColor red\n}",
			[]string{`process A "A"`, `process B "B"`, `process C "C"`, "A -> B in", "B -> C new", "B -> A out", "A -> C too", "A -> C t", "C -> A u"},
		},
		{"boxes", "box \"Private zone\" #LightBlue\nparticipant A\nend box\nbox #red\nparticipant B\nend box\nbox Edge\nparticipant C\nendbox\nA -> B", []string{
			`group box1 "Private zone"`, `group box2 "Box 2"`, `group box3 "Edge"`, `process A "A" in box1`, `process B "B" in box2`, `process C "C" in box3`, "A -> B",
		}},
		{"the outside and oneself", "[-> A : in\nA ->] : out\nA <-] : x\n?-> A : y\nA -> A : think\ncreate B\nA -> B", []string{`process A "A"`, `process B "B"`, "A -> B"}},
		{"quoted names", "A -> \"Bob()\" as B : hi\nB -> \"Long name\" : x", []string{`process A "A"`, `process B "Bob()"`, `process Long name "Long name"`, "A -> B hi", "B -> Long name x"}},
		{"what is not understood is told", "participant A\nA -> B\nwhat is this\nend", []string{`process A "A"`, `process B "B"`, "A -> B", `line 4: "what is this" is not understood`, `line 5: "end" is not understood`}},
	})
}

func TestPlantUMLPreprocessor(t *testing.T) {
	runReadIn(t, "plantuml", "@startuml\n", []readTest{
		{"comments", "' [X]\n[A] --> [B]\n/' [Y]\n[Z] '/\n[B] /' x '/ --> [C]", []string{`process A "A"`, `process B "B"`, `process C "C"`, "A -> B", "B -> C"}},
		{"definitions and variables", "!define STORE database\n!$name = \"Orders\"\n!$long = $name + \" DB\"\nSTORE \"$long\" as db\n!define LINK(a,b) a --> b : TLS\nLINK(x, db)", []string{`store db "Orders DB"`, `process x "x"`, "x -> db TLS"}},
		{"procedures", "!procedure $service($id, $label, $tech=\"Go\")\n  component \"$label ($tech)\" as $id\n!endprocedure\n$service(api, \"Orders API\")\n$service(web, \"Web\", $tech=\"JS\")\napi --> web", []string{`process api "Orders API (Go)"`, `process web "Web (JS)"`, "api -> web"}},
		{"what stands after a call goes on with what it gives", "!procedure $icon($a, $b)\nrectangle \"$img($a)\\n<b>$b</b>\"\n!endprocedure\n!unquoted procedure Space($p)\nrectangle \" \" as $p\n!endprocedure\n$icon(S3, \"Files\") as f <<database>>\nSpace(x) {\n[Y]\n}\nf --> x\nf --> Y", []string{`store f "Files" [Amazon S3]`, `process Y "Y"`, "f -> Y"}},
		{"conditions", "!define X\n!ifdef X\n[A]\n!else\n[B]\n!endif\n!ifndef X\n[C]\n!endif\n!if (1 == 2)\n[D]\n!elseif %true()\n[E]\n!else\n[F]\n!endif", []string{`process A "A"`, `process D "D"`}},
		{"files that are not read are told, known libraries are not", "!include <C4/C4_Container>\n!include https://raw.githubusercontent.com/plantuml-stdlib/C4-PlantUML/master/C4_Container.puml\n!include common.iuml\n[A]", []string{`process A "A"`, "line 4: the included file common.iuml is not read"}},
		{"looks", "!theme plain\n!pragma layout smetana\nleft to right direction\nskinparam component {\n  BackgroundColor red\n  ArrowColor {\n x\n }\n}\nskinparam shadowing false\n<style>\ncomponent { x }\n</style>\nhide stereotype\nscale 2\nsprite $x [16x16/16] {\nFF\n}\n[A]\nhide --> [A]", []string{`process A "A"`, `process hide "hide"`, "hide -> A"}},
		{"a line that goes on", "[A] --> \\\n [B]", []string{`process A "A"`, `process B "B"`, "A -> B"}},
		{"a definition that grows is bounded", "!$a = \"xxxxxxxxxx\"\n" + strings.Repeat("!$a = $a + $a\n", 60) + "component \"$a\" as a", []string{`process a "` + strings.Repeat("x", 640) + `"`}},
	})
}

func TestPlantUMLMacros(t *testing.T) {
	runReadIn(t, "plantuml", "@startuml\n!include <C4/C4_Container>\n", []readTest{
		{"C4", "LAYOUT_WITH_LEGEND()\nPerson(c, \"Customer\")\nSystem_Boundary(s, \"Shop\") {\n  Container(api, \"Orders API\", $techn=\"Go\", $tags=\"x\")\n  ContainerDb(db, \"Orders\", \"PostgreSQL\")\n}\nSystem_Ext(pay, \"Pay\\nprovider\")\nRel(c, api, \"orders\", \"HTTPS\")\nRel_D(api, db, \"reads\")\nRel_Back(api, pay, \"calls\")\nLay_R(c, s)\napi --> pay : also\nSHOW_LEGEND()", []string{
			`group s "Shop"`, `external c "Customer"`, `process api "Orders API" [Go] in s`, `store db "Orders" [PostgreSQL] in s`, `external pay "Pay provider"`,
			"c -> api orders [HTTPS]", "api -> db reads", "pay -> api calls", "api -> pay also",
		}},
		{"boundaries without braces", "participant x\nContainer_Boundary(b, \"B\")\nComponent(a, \"A\", \"Go\")\nBoundary_End()\nRel(x, a, \"calls\")", []string{`group b "B"`, `process x "x"`, `process a "A" [Go] in b`, "x -> a calls"}},
		{"a sequence of C4", "Person(a, \"Ann\")\nContainer(b, \"B\")\nalt ok\nRel(a, b, \"calls\")\nend\n== Next ==\nRel(b, a, \"answers\")", []string{`external a "Ann"`, `process b "B"`, "a -> b calls", "b -> a answers"}},
		{"nodes", "Deployment_Node(n, \"EKS\", \"k8s\") {\n Container(a, \"A\")\n}\nNode(w, \"Web\", \"nginx\")\nRel(w, a, \"x\")", []string{`group n "EKS" [k8s]`, `process w "Web" [nginx]`, `process a "A" in n`, "w -> a x"}},
		{"libraries of icons in a sequence", "APIGatewayParticipant(api, Card system, All)\nDynamoDBParticipant(db, Payments,)\napi -> db++ $AWSColor(Storage): put\nreturn\ndb -> api", []string{`process api "Card system" [AWS API Gateway]`, `store db "Payments" [DynamoDB]`, "api -> db put", "db -> api"}},
		{"pictures in labels, and groups that the library makes", "$Group(g, \"Jobs\", x) {\nrectangle \"<$Lambda{scale=0.5}>\\nResize\" as r\n}", []string{`group g "Jobs"`, `process r "Resize" [AWS Lambda] in g`}},
		{"a class among components is text", "[A]\nclass B {\n x : int\n}\nLAYOUT_LEFT_RIGHT\n[A] --> [C]", []string{`process A "A"`, `process C "C"`, "A -> C"}},
		{"libraries of icons", "!include <awslib/AWSCommon>\nVPCGroup(vpc) {\n  SimpleStorageService(s3, \"Invoices\", \"bucket\")\n  Lambda(fn, \"Resize\", \"\")\n}\nAzureKeyVault(kv, \"Keys\", \"Premium\")\nAutoScalingGroup(asg) #Transparent\nfn --> s3", []string{
			`group vpc "VPC"`, `store s3 "Invoices" [Amazon S3] in vpc`, `process fn "Resize" [AWS Lambda] in vpc`, `store kv "Keys" [Azure Key Vault]`, `process asg "Auto Scaling" [Auto Scaling]`, "fn -> s3",
		}},
	})
}

func TestPlantUMLOfOtherTypesIsKeptAsText(t *testing.T) {
	for source, want := range map[string]string{
		"@startuml\nclass A\nA --> B\n@enduml":                   `line 2: a PlantUML diagram of the type "class" is kept as text; its elements are not read`,
		"@startuml\n[*] --> On\nstate On\n@enduml":               `line 2: a PlantUML diagram of the type "state" is kept as text; its elements are not read`,
		"@startuml\nOn : lit\nOn --> [*] : off\n@enduml":         `line 3: a PlantUML diagram of the type "state" is kept as text; its elements are not read`,
		"@startuml\nstart\n:do it;\nstop\n@enduml":               `line 2: a PlantUML diagram of the type "activity" is kept as text; its elements are not read`,
		"@startuml\nentity Order {\n *id : int\n}\n@enduml":      `line 2: a PlantUML diagram of the type "class" is kept as text; its elements are not read`,
		"' x\n@startmindmap\n* a\n@endmindmap":                   `line 2: a PlantUML diagram of the type "mindmap" is kept as text; its elements are not read`,
		"@startuml\nobject O\nO : x = 1\n@enduml":                `line 2: a PlantUML diagram of the type "object" is kept as text; its elements are not read`,
		"@startuml\nrobust \"Web\" as W\n@0\nW is Idle\n@enduml": `line 2: a PlantUML diagram of the type "timing" is kept as text; its elements are not read`,
	} {
		d, problems := Read("plantuml", source)
		if diff := cmp.Diff([]string{want}, show(d, problems, source)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

func TestPlantUMLLinesThatStateSomething(t *testing.T) {
	source := "@startuml\ntitle Orders\nskinparam x {\n a b\n}\n' c\npackage P {\n  component a [\n    Orders\n    API\n  ]\n  note right of a\n    keeps no state\n  end note\n}\nlegend left\n  red is public\nendlegend\n[*] --> a\na --> b : TLS\nhide stereotype\n!include x.puml\nnote \"N\" as n\nodd line\n@enduml"
	d, _ := Read("plantuml", source)
	want := []string{"title Orders", "package P {", "Orders", "API", "keeps no state", "red is public", "[*] --> a", "a --> b : TLS", "!include x.puml", `note "N" as n`, "odd line"}
	if diff := cmp.Diff(want, stating(d, source)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := d.Nodes[0]; n.Name != "Orders API" || source[n.Start:n.End] != "Orders" {
		t.Errorf("the element is %+v, at %q: want it where its name begins", n, source[n.Start:n.End])
	}
}
