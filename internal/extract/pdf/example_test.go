package pdf_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
)

func ExampleRead() {
	file, err := os.Open("../../../testdata/designs/telemetry/telemetry.pdf")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	src, err := pdf.Read(context.Background(), "telemetry.pdf", file, info.Size(), pdf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(src.Title)
	fmt.Println(*src.Pages, "pages, the first heading is", src.Blocks[0].Text)
	// Output:
	// Roadgrid Telematics Platform: System Design Description
	// 12 pages, the first heading is Roadgrid Telematics Platform
}
