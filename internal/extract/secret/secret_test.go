package secret_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract/secret"
)

// Credentials of the tests are invented, and put together at run time so that
// no scanner takes the source for a leak.
func key(parts ...string) string { return strings.Join(parts, "") }

const (
	alnum36 = "q7Hf2LmZ9xKc4VbN8sWd1RtY6uJp3EoA5iGh"
	hex32   = "9f86d081884c7d659a2feaa0c55ad015"
	b64     = "Jt7vQz2LxK9mPd4RfYw8HsNc3GbTa6UeXi1Oo5ZqVl0CuWrMyBpDkEjSgAhFnI+/7x2Q4v9KzLs3TmXw"
)

var (
	header   = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims   = base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"meter-17","aud":"billing"}`))
	jwt      = header + "." + claims + "." + "k7Hq2LmZ9xKc4VbN8sWd1RtY6uJp3EoA5iGhk7Hq2L"
	keyBody  = "MIIEpAIBAAKCAQEA" + b64[:48] + "\n" + b64[:64] + "\nab1+/w=="
	beginRSA = key("-----BEGIN RSA PRIV", "ATE KEY-----")
	endRSA   = key("-----END RSA PRIV", "ATE KEY-----")
)

// found is what stands under the spans of the findings, by kind.
func found(text string) map[string][]string {
	out := map[string][]string{}
	for _, f := range secret.Find(text) {
		for _, s := range f.Spans {
			out[f.Kind] = append(out[f.Kind], text[s.Start:s.End])
		}
	}
	return out
}

func TestCredentialsOfAKnownFormAreFound(t *testing.T) {
	for name, c := range map[string]struct{ before, secret, after, kind string }{
		"AWS access key":           {"The uploader signs with ", key("AKIA", "QWERTZ2345ABCDEF"), ", see below.", "aws_access_key_id"},
		"AWS example key":          {"key ", "AKIAIOSFODNN7EXAMPLE", ".", "aws_access_key_id"},
		"AWS session key":          {"`", key("ASIA", "QWERTZ2345ABCDEF"), "`", "aws_access_key_id"},
		"AWS secret under a name":  {"aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "\n", "aws_secret_key"},
		"AWS secret in prose":      {"The AWS secret key (", b64[:38] + "Q2", ") is shared.", "aws_secret_key"},
		"GitHub":                   {"token ", key("gh", "p_", alnum36), " is used", "github_token"},
		"GitHub after an escape":   {`"a\n`, key("gh", "o_", alnum36), `"`, "github_token"},
		"GitHub, fine-grained":     {"", key("github", "_pat_", alnum36, "_", alnum36), "", "github_fine_grained_token"},
		"GitLab":                   {"", key("gl", "pat-", alnum36[:20]), ".", "gitlab_token"},
		"Slack bot":                {"(", key("xo", "xb-", "2048123456-2048123457-", alnum36[:24]), ")", "slack_token"},
		"Slack webhook":            {"https://hooks.slack.com/services/", key("T01AB2CD3", "/B01AB2CD3/", alnum36[:24]), " gets alerts", "slack_webhook"},
		"Stripe":                   {"", key("sk", "_live_", alnum36[:24]), "", "stripe_key"},
		"Stripe restricted, test":  {"", key("rk", "_test_", alnum36[:24]), "", "stripe_key"},
		"Stripe webhook":           {"", key("wh", "sec_", alnum36), "", "stripe_webhook_secret"},
		"Google API":               {"?key=", key("AI", "za", alnum36[:35]), "&q=x", "google_api_key"},
		"Google OAuth":             {"", key("GOC", "SPX-", alnum36[:28]), "", "google_oauth_secret"},
		"Azure storage":            {"DefaultEndpointsProtocol=https;AccountName=meters;AccountKey=", key(b64, b64)[:86] + "==", ";EndpointSuffix=core.windows.net", "azure_storage_key"},
		"Azure service bus":        {"Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=r;SharedAccessKey=", b64[:43] + "=", ";", "azure_shared_access_key"},
		"Azure shared access":      {"https://m.blob.core.windows.net/c?sv=2024-01-01&se=2027&sig=", strings.ReplaceAll(b64[:43], "+", "a") + "%3D", " is mailed", "azure_sas"},
		"Azure client secret":      {"secret: ", key("aB3", "8Q~", alnum36[:34]), "\n", "azure_client_secret"},
		"OpenAI":                   {"", key("sk", "-proj-", alnum36, "_", alnum36), "", "openai_key"},
		"OpenAI, old":              {"", key("sk", "-", alnum36, alnum36[:12]), "", "openai_key"},
		"Anthropic":                {"", key("sk", "-ant-api03-", alnum36, "-", alnum36), "", "anthropic_key"},
		"npm":                      {"//registry.npmjs.org/:_authToken=", key("np", "m_", alnum36), "", "npm_token"},
		"PyPI":                     {"", key("py", "pi-AgE", "IcHlwaS5vcmc", b64[:50]), "", "pypi_token"},
		"Twilio":                   {"", key("S", "K", hex32), "", "twilio_key"},
		"SendGrid":                 {"", key("S", "G.", alnum36[:22], ".", alnum36, alnum36[:7]), "", "sendgrid_key"},
		"Vault":                    {"", key("hv", "s.", alnum36[:24]), "", "vault_token"},
		"Telegram bot":             {"https://api.telegram.org/ with ", key("1234567890", ":A", "A", alnum36[:33]), "", "telegram_token"},
		"age":                      {"", key("AGE-SECRET", "-KEY-1", strings.Repeat("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 2)[:58]), "", "age_key"},
		"JSON web token":           {"Authorization: Bearer ", jwt, ". It never expires.", "json_web_token"},
		"basic authentication":     {"Authorization: Basic ", base64.StdEncoding.EncodeToString([]byte("ops:Wint3r!")), "", "basic_authorization"},
		"bearer token":             {"Authorization: Bearer ", alnum36, "", "bearer_token"},
		"password in a URL":        {"postgres://billing:", "tr0ub4dor", "@db.internal:5432/meters", "url_password"},
		"word in a URL":            {"amqp://meters:", "meters", "@broker/", "url_password"},
		"at sign in a URL":         {"mongodb+srv://app:", "p@ss!w0rd", "@cluster0.mongodb.net", "url_password"},
		"URL without a user":       {"redis://:", "Zx81spectrum", "@cache:6379", "url_password"},
		"connection string":        {"Server=db1;Database=m;User Id=sa;Password=", "letmein", ";Encrypt=no", "password"},
		"connection string, Pwd":   {"Host=db1;Uid=sa;Pwd=", "Winter2024", ";", "password"},
		"assignment in YAML":       {"  password: ", "hunter2", "\n  user: ops", "password"},
		"quoted in JSON":           {`{"db_password": "`, "Tr0ub4dor&3", `", "n": 1}`, "password"},
		"in code":                  {"API_KEY = '", hex32, "'", "secret"},
		"in the environment":       {"export MYSQL_PASS=", "s3cr3tpw", "\n", "password"},
		"camel case":               {`clientSecret: "`, alnum36[:24], `"`, "secret"},
		"words with a blank":       {"API key: ", hex32, "\n", "secret"},
		"with a remark":            {"Password (staging): ", "Winter2024", "\n", "password"},
		"before the next name":     {"user: ops password: ", "Winter2024", " host: db1", "password"},
		"with words after it":      {"Password: ", "W1nter!2024", " on staging", "password"},
		"in a query":               {"https://x.example/v1?user=1&api_key=", hex32, "&page=2 returns all", "secret"},
		"an option of a command":   {"run psql --db-password ", "s3cr3tpw", " --host db", "password"},
		"in SQL":                   {"CREATE USER m PASSWORD '", "s3cr3tpw", "';", "password"},
		"in XML":                   {"<password>", "s3cr3tpw", "</password>", "password"},
		"in a row":                 {"admin password | ", "Winter2024", "\n", "password"},
		"digits":                   {"Passwort: ", "84019273", "\n", "password"},
		"in another script":        {"パスワード：", "Winter2024", "\n", "password"},
		"beyond ASCII":             {"password: ", "Gänse4füße", "\n", "password"},
		"an id that is no version": {"token = \"", "123e4567-e89b-12d3-a456-426614174000", `"`, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(c.before + c.secret + c.after)
			if len(got) != 1 || len(got[c.kind]) != 1 || got[c.kind][0] != c.secret {
				t.Errorf("%q gave %q, want %s %q", c.before+c.secret+c.after, got, c.kind, c.secret)
			}
		})
	}
}

func TestProsePlaceholdersAndLookAlikesStay(t *testing.T) {
	for _, text := range []string{
		// Prose.
		"password: at least twelve characters", "Password: 12-character minimum", "Password policy: 90days", "Password length: 12",
		"The password is checked against a list of 10000 known ones.", "Passwords: bcrypt12 is used.", "password: must contain 1 digit",
		"API key: issued per tenant and rotated every 90 days", "token: expires after 3600s", "Secrets: see section 4.2.1",
		"Token = signed by the issuer", "Credentials: none", "password=required", "The secret: rotation.", "Secret: stored in Vault1",
		"`password: string`", "Use --password only2", "two keys: one for signing", "Bearer authentication-of-the-caller-is-required",
		"bearer realm/oauth2-token-introspection-endpoint", "Basic authentication", "basic auth", "Basic knowledge", "password | required | string",
		"access token: short-lived, 15min", "The passphrase -> key derivation uses PBKDF2-HMAC-SHA256.", "Password: yes", "secret: TLS1.3-only",
		`"password": "at least 12 characters!"`,
		// Placeholders.
		"password: <your password 1>", "password: ${DB_PASSWORD_1}", "password=$DB_PASS2", "password: xxxxxxxx1", "password: changeme123",
		"password: ********", "password: {{ vault.db.pass1 }}", "api_key = YOUR_API_KEY_12345678901234", "api_key: your-api-key-here-12345678901",
		"token: example-token-1234567890abc", `password = "..."`, "password: %DB_PASS1%", "postgres://user:password@host/db", "https://user:${TOKEN1}@host",
		"https://<user>:<pass1>@host/", "https://user:****@host", "https://%s:%s@host", "postgres://{user}:{pw1}@host", "Password=secret;",
		key("gh", "p_", strings.Repeat("x", 36)), key("sk", "_live_", strings.Repeat("x", 24)), "AKIAXXXXXXXXXXXXXXXX", "api_key: 00000000-0000-0000-0000-000000000000",
		// References.
		`password = os.environ["DB_PASSWORD_1"]`, "secret = config.get('x1')", "password: vault:secret/data/db1#pw", "token: process.env.TOKEN1",
		"secret: /etc/tls/server1.key", "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db", "secret: app1-prod-db", "secretKey: db-password-2",
		"token_url = https://login.example.com/oauth2/v2.0/token", "password: admin1@example.org", "secretName: tls-cert-v2", "client_secret: !Ref ClientSecret1",
		// Methods and types.
		"password: Argon2id", "password hash: bcrypt-12", "token: OAuth2.0", "encryption_key: AES-256-GCM", "signing key: RSA-2048", "private key: ECDSA-P256",
		"token: JWT/RS256", "password: varchar(255)", "password: SHA-256", "api_key: sha256:" + hex32, "token: 2024-01-31", "shared key: HMAC-SHA-256",
		// Look-alikes.
		"https://example.com:8080/a@b", "https://medium.com/@user", "git@github.com:org/repo.git", "see http://[::1]:80/x@y", "scikit: sk-learn is used",
		"task-force-delta-of-the-whole-organization-1", "the sk-ecdsa-sha2-nistp256@openssh.com type", key("pk", "_live_", alnum36[:24]), "SKU", "SK" + strings.ToUpper(hex32),
		"commit 9f86d081884c7d659a2feaa0c55ad0159f86d081 fixes it", "AKIA is the prefix of access keys", "AKIAIOSFODNN7EXAMPLEX", "xAKIAIOSFODNN7EXAMPLE",
		"eyJ is how tokens begin", "eyJhbGciOiJub3Q.not.json", header + "." + claims, "SG.1 and SG.2", "xoxb-tokens", "npm_config_registry", "hf_hub_download_of_a_model",
		"arn:aws:s3:::bucket", "https://hooks.slack.com/services/ is called", "-----BEGIN CERTIFICATE-----\n" + keyBody + "\n-----END CERTIFICATE-----",
		"The file begins with " + beginRSA + " and ends with " + endRSA + ".", beginRSA + " is the first line", "public_key: ssh-ed25519",
		"monkey: abc123def456ghi789jkl", "primary key: user_id2", "password_hash: 5f4dcc3b5aa765d61d8327deb882cf99", "compass: N51E13north", "bypass: A1b2c3d4",
	} {
		if got := found(text); len(got) > 0 {
			t.Errorf("%q gave %q", text, got)
		}
	}
}
