package language

import (
	"strings"
	"testing"

	"github.com/abadojack/whatlanggo"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func document(blocks ...threatmodel.Block) threatmodel.Source {
	for i := range blocks {
		if blocks[i].Role == "" {
			blocks[i].Role = threatmodel.RoleBody
		}
		if blocks[i].Kind == "" {
			blocks[i].Kind = threatmodel.BlockParagraph
		}
	}
	return threatmodel.Source{Blocks: blocks}
}

func TestOfRecognisesTwoSentences(t *testing.T) {
	tests := []struct{ code, text string }{
		{"en", "The gateway checks each token before it forwards the request to the payment service. The keys are kept in Vault and renewed every day."},
		{"de", "Das Gateway prüft jedes Token, bevor es die Anfrage an den Zahlungsdienst weiterleitet. Die Schlüssel liegen in Vault und werden täglich erneuert."},
		{"fr", "La passerelle vérifie chaque jeton avant de transmettre la requête au service de paiement. Les clés sont conservées dans Vault et renouvelées chaque jour."},
		{"es", "La pasarela comprueba cada token antes de enviar la solicitud al servicio de pagos. Las claves se guardan en Vault y se renuevan todos los días."},
		{"it", "Il gateway controlla ogni token prima di inoltrare la richiesta al servizio di pagamento. Le chiavi sono conservate in Vault e rinnovate ogni giorno."},
		{"pt", "O gateway verifica cada token antes de encaminhar o pedido ao serviço de pagamentos. As chaves são guardadas no Vault e renovadas todos os dias."},
		{"nl", "De gateway controleert elk token voordat het verzoek naar de betaaldienst wordt doorgestuurd. De sleutels staan in Vault en worden dagelijks vernieuwd."},
		{"sv", "Gatewayen kontrollerar varje token innan den skickar begäran vidare till betaltjänsten. Nycklarna ligger i Vault och förnyas varje dag."},
		{"da", "Gatewayen kontrollerer hvert token, før den sender anmodningen videre til betalingstjenesten. Nøglerne ligger i Vault og fornyes hver dag."},
		{"fi", "Yhdyskäytävä tarkistaa jokaisen tunnisteen ennen kuin se välittää pyynnön maksupalvelulle. Avaimet säilytetään Vaultissa ja uusitaan päivittäin."},
		{"pl", "Brama sprawdza każdy token, zanim przekaże żądanie do usługi płatności. Klucze są przechowywane w Vault i odnawiane codziennie."},
		{"cs", "Brána kontroluje každý token, než předá požadavek platební službě. Klíče jsou uloženy ve Vaultu a denně se obnovují."},
		{"hu", "Az átjáró minden tokent ellenőriz, mielőtt a kérést továbbítja a fizetési szolgáltatásnak. A kulcsokat a Vault tárolja, és naponta megújítja."},
		{"ro", "Gateway-ul verifică fiecare token înainte de a transmite cererea către serviciul de plăți. Cheile sunt păstrate în Vault și reînnoite zilnic."},
		{"tr", "Ağ geçidi, isteği ödeme hizmetine iletmeden önce her belirteci denetler. Anahtarlar Vault içinde saklanır ve her gün yenilenir."},
		{"ru", "Шлюз проверяет каждый токен, прежде чем передать запрос платёжной службе. Ключи хранятся в Vault и обновляются ежедневно."},
		{"uk", "Шлюз перевіряє кожен токен, перш ніж передати запит платіжній службі. Ключі зберігаються у Vault і оновлюються щодня."},
		{"vi", "Cổng kiểm tra từng mã thông báo trước khi chuyển yêu cầu đến dịch vụ thanh toán. Các khóa được lưu trong Vault và được thay mới hằng ngày."},
		{"ja", "ゲートウェイは、支払いサービスに要求を転送する前に、すべてのトークンを検証します。鍵はVaultに保管され、毎日更新されます。設計の詳細は次の章で説明します。"},
		{"ja", "認証基盤構成図。外部利用者接続要求検証、署名鍵管理、監査証跡保存、権限分離方式、通信経路暗号化を定める。運用手順書は別途定義し、障害時復旧手順書を参照する。"},
		{"zh", "网关在将请求转发给支付服务之前检查每个令牌。密钥保存在保险库中，每天更新。审计日志写入单独的存储，只有审计人员可以读取。系统的详细设计在下一章中说明，运维手册另行定义。"},
		{"ko", "게이트웨이는 결제 서비스에 요청을 전달하기 전에 모든 토큰을 확인합니다. 키는 보관소에 보관되며 매일 갱신됩니다. 감사 기록은 별도의 저장소에 기록됩니다."},
	}
	for _, tt := range tests {
		if got := Of(document(threatmodel.Block{Text: tt.text})); got.Code != tt.code || got.Name == "" {
			t.Errorf("%q: %v, want %s", tt.text, got, tt.code)
		}
	}
}

func TestOfSaysNothingInDoubt(t *testing.T) {
	tests := []struct {
		name string
		doc  threatmodel.Source
	}{
		{"no text", document()},
		{"few words", document(threatmodel.Block{Text: "Das ist der Plan."})},
		{"names of products", document(threatmodel.Block{Text: "TLS 1.3, Postgres 15, Redis 7, Kafka, OAuth2 client_credentials, Keycloak, S3, EKS, Istio, Envoy, Prometheus"})},
		{"code", document(threatmodel.Block{Kind: threatmodel.BlockCode, Text: "Das Gateway prüft jedes Token, bevor es die Anfrage an den Zahlungsdienst weiterleitet."})},
		{"what is no body", document(threatmodel.Block{Role: threatmodel.RoleHeader, Text: "Das Gateway prüft jedes Token, bevor es die Anfrage an den Zahlungsdienst weiterleitet."})},
	}
	for _, tt := range tests {
		if got := Of(tt.doc); got.Code != "" && got.Code != English {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Lists of names, terms and fields resemble many languages by chance.
func TestOfSaysNothingOnThinEvidence(t *testing.T) {
	tests := map[string]string{
		"one word, often":               strings.Repeat("item\n", 20),
		"two words, often":              strings.Repeat("Primary database\n", 20),
		"three words, often":            strings.Repeat("Der neue Plan\n", 20),
		"one sentence of Chinese":       strings.Repeat("审计日志。\n", 20),
		"one word of Russian, often":    strings.Repeat("элемент\n", 20),
		"names of people":               "Anna Meier, Tomasz Kowalski, Sofia Lindqvist, Jan de Vries, Luca di Marco, Priya Raman, Kenji Sato, Ines Alves, Pierre Dubois, Marta Nowak, Erik Hansen, Ivana Horvat",
		"names of products":             "Keycloak, Vault, Istio, Envoy, Kafka, Postgres, Redis, Grafana, Prometheus, Terraform, Kubernetes, Jenkins, Nexus, Harbor, Falco, Kibana, Logstash, Elasticsearch",
		"fields of a table":             "Name Status Owner Version Format Data Type Default Null Bool Enum Min Max Interval Total Item Order Code Port Host Region Tenant Limit Mode",
		"parts of a program":            "import fmt err nil struct bool func main var type return package defer range string error interface map chan select switch default goto",
		"names of languages":            "Georgian German Greek Gujarati Hebrew Hindi Hungarian Icelandic Indonesian Irish Italian Japanese Kazakh Korean Latin Latvian Lithuanian Macedonian Malay Maori Marathi Mongolian Norwegian Persian Polish Punjabi Romanian Russian Serbian Shona Slovak",
		"names of places":               "Los Angeles, San Jose, La Paz, El Paso, Las Vegas, Sao Paulo, Rio, Santa Clara, Buenos Aires, Den Haag, Den Bosch, Le Mans, La Rochelle, Des Moines",
		"months":                        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Release Upgrade Patch Freeze Audit Review Milestone",
		"words for what is not defined": "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt labore dolore magna aliqua",
	}
	for name, text := range tests {
		var blocks []threatmodel.Block
		for line := range strings.Lines(text) {
			blocks = append(blocks, threatmodel.Block{Kind: threatmodel.BlockListItem, Text: strings.TrimSpace(line)})
		}
		if got := Of(document(blocks...)); got.Code != "" && got.Code != English {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOfRecognisesALongTextWithoutKnownSmallWords(t *testing.T) {
	text := "Lango linaangalia kila tokeni kabla ya kupeleka ombi kwenye huduma ya malipo." // Swahili, which the library does not know
	if got := Of(document(threatmodel.Block{Text: text})); got.Code != "" {
		t.Errorf("%v, want nothing", got)
	}
	const esperanto = "La enirejo kontrolas ĉiun ĵetonon antaŭ ol ĝi plusendas la peton al la paga servo. La ŝlosiloj estas konservataj en la trezorejo kaj renovigataj ĉiutage. " +
		"Ĉiuj registroj de la sistemo estas skribitaj en apartan deponejon, kiun nur la kontrolistoj rajtas legi. La administrantoj ensalutas per dua faktoro, kaj iliaj rajtoj estas reviziataj ĉiumonate. " +
		"La datumoj de la klientoj estas ĉifritaj sur la disko kaj dum la transdono inter ĉiuj partoj de la sistemo, kaj la rezervaj kopioj estas same protektataj. Post fuŝo la teamo restarigas la sistemon laŭ la plano."
	if got := Of(document(threatmodel.Block{Text: esperanto})); got.Code != "eo" {
		t.Errorf("%v, want Esperanto", got)
	}
}

// Every language has enough small words, each in lower case and none of them
// English.
func TestSmallWords(t *testing.T) {
	all, err := loadSmallWords()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for lang := whatlanggo.Afr; lang <= whatlanggo.Zul; lang++ {
		known[lang.Iso6391()] = true
	}
	for code, words := range all {
		if !known[code] || len(words) < 10 {
			t.Errorf("%s: %d words", code, len(words))
		}
		for word := range words {
			if englishWords[word] || word != strings.ToLower(word) {
				t.Errorf("%s: %q", code, word)
			}
		}
	}
	if len(all) < 15 {
		t.Errorf("%d languages", len(all))
	}
}

func TestOfTakesWhatMostIsIn(t *testing.T) {
	got := Of(document(
		threatmodel.Block{Kind: threatmodel.BlockHeading, Text: "Payment Gateway Design"},
		threatmodel.Block{Text: "Das Gateway prüft jedes Access Token, bevor es den Request an den Payment Service weiterleitet, und schreibt ein Audit Log in den Storage Bucket."},
		threatmodel.Block{Kind: threatmodel.BlockListItem, Text: "Die Schlüssel liegen in Vault und werden täglich durch einen Cron Job erneuert."},
	))
	if got.Code != "de" {
		t.Errorf("%v, want German", got)
	}
}
