package diagram

import "testing"

func TestC4(t *testing.T) {
	runRead(t, "C4Container\n", []readTest{
		{
			"elements, boundaries, relations",
			"title Orders\nPerson(c, \"Customer\", \"buys\")\nPerson_Ext(au, \"Auditor\")\nSystem_Boundary(s, \"Shop\") {\n  Container(api, \"Orders API\", \"Go, gRPC\", \"takes orders\")\n  ContainerDb(db, \"Orders\", \"PostgreSQL\")\n  ContainerQueue(q, \"Events\")\n}\nSystem_Ext(pay, \"Payment provider\")\nSystemDb_Ext(dwh, \"Data mart\")\nRel(c, api, \"places orders\", \"HTTPS\")\nBiRel(api, db, \"reads, writes\")\nRel_Back(api, pay, \"calls back\")\nRel_D(api, q, \"emits\")\nUpdateElementStyle(c, $fontColor=\"red\")\nUpdateLayoutConfig($c4ShapeInRow=\"3\")",
			[]string{
				`group s "Shop"`, `external c "Customer"`, `external au "Auditor"`, `process api "Orders API" [Go, gRPC] in s`,
				`store db "Orders" [PostgreSQL] in s`, `store q "Events" in s`, `external pay "Payment provider"`, `external dwh "Data mart"`,
				"c -> api places orders [HTTPS]", "api <-> db reads, writes", "pay -> api calls back", "api -> q emits",
			},
		},
		{
			"deployment nodes hold others, or are elements where they hold none",
			"Deployment_Node(aws, \"AWS\", \"eu-west-1\") {\n Node(eks, \"EKS\") {\n  Container(api, \"API\")\n }\n Deployment_Node(w, \"Web server\", \"nginx\")\n}\nRel(w, api, \"\")",
			[]string{
				`group aws "AWS" [eu-west-1]`, `group eks "EKS" in aws`, `process w "Web server" [nginx] in aws`, `process api "API" in eks`, "w -> api",
			},
		},
		{
			"indices, names of arguments, calls over lines, a brace of its own",
			"RelIndex(1, a, b, \"one\")\nContainer(b, $label=\"B b\", $techn=\"Java\")\nRel(\n  b, a,\n  $techn=\"TLS\",\n  $label=\"two (2)\"\n)\nContainer_Boundary(x, \"X\")\n{\n Component(a, \"A\")\n}",
			[]string{`group x "X"`, `process a "A" in x`, `process b "B b" [Java]`, "a -> b one", "b -> a two (2) [TLS]"},
		},
		{
			"what is not understood is told",
			"Bolt(x)\nRel(a)\n}\nContainer(b, \"B\"\nContainer(a, \"A\")",
			[]string{
				`process a "A"`, `line 2: "Bolt(x)" is not understood`, `line 3: "Rel(a)" is not understood`, `line 4: "}" is not understood`,
				`line 5: "Container(b, \"B\"" is not understood`,
			},
		},
	})
}

func TestArchitecture(t *testing.T) {
	runRead(t, "architecture-beta\n", []readTest{
		{
			"groups in groups, services, arrows with sides",
			"group cloud(cloud)[AWS]\ngroup vpc(logos:aws-vpc)[VPC] in cloud\nservice db(database)[Orders] in vpc\nservice api(server)[Orders API] in vpc\nservice net(internet)[Internet]\nservice b(logos:aws-s3)[Invoices] in cloud\nnet:R --> L:api\napi:B -[SQL]- T:db\napi:L <-- R:b\napi:T <--> B:b",
			[]string{
				`group cloud "AWS"`, `group vpc "VPC" in cloud`, `store db "Orders" in vpc`, `process api "Orders API" in vpc`, `external net "Internet"`, `store b "Invoices" [Amazon S3] in cloud`,
				"net -> api", "api <-> db SQL", "b -> api", "api <-> b",
			},
		},
		{
			"an arrow out of a group leads from the group",
			"group x[X]\nservice a(server)[A] in x\nservice b(server)[B]\na{group}:R --> L:b",
			[]string{`group x "X"`, `process a "A" in x`, `process b "B"`, "x -> b"},
		},
		{
			"arrows go through junctions",
			"service a(server)[A]\nservice b(server)[B]\nservice c(server)[C]\njunction j\njunction k\na:R --> L:j\nj:R -- L:k\nk:T --> B:b\nk:B --> T:c",
			[]string{`process a "A"`, `process b "B"`, `process c "C"`, "a -> b", "a -> c"},
		},
		{
			"lines join through a junction once",
			"service a[A]\nservice b[B]\njunction j\na:R -- L:j\nj:R -- L:b",
			[]string{`process a "A"`, `process b "B"`, "a <-> b"},
		},
		{
			"lines that meet join stores to what uses them, once, and not to each other",
			"service a(server)[A]\nservice b(database)[B]\nservice c(database)[C]\njunction j\njunction k\na:R -- L:j\nj:R -- L:k\nj:T -- B:k\nk:T -- B:b\nk:B -- T:c",
			[]string{`process a "A"`, `store b "B"`, `store c "C"`, "b <-> a", "c <-> a"},
		},
		{
			"what is not understood is told",
			"title T\nservice a(server)[A]\nservices b\na:R --> b",
			[]string{`process a "A"`, `line 4: "services b" is not understood`, `line 5: "a:R --> b" is not understood`},
		},
	})
}

func TestBlocks(t *testing.T) {
	runRead(t, "block-beta\n", []readTest{
		{
			"a block without a name is a place, no boundary",
			"block\n a[A]\nend\nblock:z\n block:2\n  b[B]\n end\n c[C]\nend\nend",
			[]string{`group z "z"`, `process a "A"`, `process b "B" in z`, `process c "C" in z`, `line 11: "end" is not understood`},
		},
		{
			"blocks in blocks, widths, spaces and arrows",
			"columns 3\nu[\"User\"] space:2\nblock:zone:2\n  columns 1\n  api[\"API\"] db[(\"Orders\")]\nend\nx<[\"label\"]>(right)\nu --> api\napi-- \"SQL\" -->db\nclassDef hot fill:#f00\nstyle u fill:#fff",
			[]string{`group zone "zone"`, `external u "User"`, `process api "API" in zone`, `store db "Orders" in zone`, "u -> api", "api -> db SQL"},
		},
	})
}
