package llmtest

// weakness is a rule: a sentence that holds the cue states the weakness of the
// part that it names first. The wordings are picked from round to round, and so
// is one of the sibling weaknesses.
type weakness struct {
	cue     string
	stride  string
	cwes    []int
	titles  []string // %s is the part
	actions []string // %s is the part
	impacts []string
}

var weaknesses = []weakness{
	{
		cue: "does not check", stride: "elevation_of_privilege", cwes: []int{862, 863, 639},
		titles:  []string{"Anybody gets at foreign records through the %s", "The %s hands records to whoever asks", "Records of others are open at the %s"},
		actions: []string{"ask the %s for records of another shop", "name foreign records in a request to the %s", "fetch what belongs to somebody else from the %s"},
		impacts: []string{"foreign records are read", "a leak of other shops' data", "loss of separation between shops"},
	},
	{
		cue: "plain HTTP", stride: "information_disclosure", cwes: []int{319},
		titles:  []string{"Traffic of the %s can be read on the way", "The %s talks in the clear", "Eavesdropping on the %s"},
		actions: []string{"read what the %s sends on the network", "listen to the traffic of the %s", "record the connections of the %s"},
		impacts: []string{"prices and orders are disclosed", "the content of orders is known to outsiders", "disclosure on the wire"},
	},
	{
		cue: "shared password", stride: "spoofing", cwes: []int{798, 1392},
		titles:  []string{"One password opens the %s for everybody", "Nobody can tell who used the %s", "The %s knows only one login"},
		actions: []string{"sign in to the %s with the password that all know", "use the common login of the %s", "enter the %s as somebody else"},
		impacts: []string{"actions under a foreign name", "access of former staff", "use by people who left"},
	},
	{
		cue: "are not logged", stride: "repudiation", cwes: []int{778},
		titles:  []string{"What is done in the %s leaves no trace", "Deeds in the %s can be denied", "No record of actions in the %s"},
		actions: []string{"change data in the %s without a trace", "deny what they did in the %s", "act in the %s unseen"},
		impacts: []string{"an incident cannot be explained", "fraud stays unseen", "no proof of who did what"},
	},
	{
		cue: "no limit", stride: "denial_of_service", cwes: []int{770, 400},
		titles:  []string{"The %s can be flooded", "Too many requests bring the %s down", "A flood stops the %s"},
		actions: []string{"send more requests than the %s can take", "flood the %s", "keep the %s busy for ever"},
		impacts: []string{"the service is away", "nobody can order any more", "an outage"},
	},
	{
		cue: "accepts file uploads", stride: "tampering", cwes: []int{434},
		titles:  []string{"Dangerous files reach the %s", "The %s takes any file", "Malware through the %s"},
		actions: []string{"upload a file with malware to the %s", "plant a file at the %s", "hand the %s a hostile file"},
		impacts: []string{"malware spreads", "code of the attacker runs", "staff are infected"},
	},
	{
		cue: "takes callbacks", stride: "spoofing", cwes: []int{345, 347},
		titles:  []string{"Forged callbacks are believed by the %s", "Anybody can post to the %s as the partner", "The %s trusts whoever calls back"},
		actions: []string{"post a forged callback to the %s", "call the %s in the partner's name", "invent an event at the %s"},
		impacts: []string{"orders are marked as paid", "false payments are booked", "goods leave without payment"},
	},
}
