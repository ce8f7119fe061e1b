import LensTerminal
import Testing

@Suite struct DecimalTextTests {
    @Test(arguments: [
        (0.0, "0.0000"), (-0.00001, "0.0000"), (3.14159, "3.1416"), (-0.5, "-0.5000"), (0.99996, "1.0000"),
        (123456.0, "123456.0000"), (.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf"), (1e20, "1.0000e+20"),
    ])
    func fixed(value: Double, text: String) {
        #expect(DecimalText.fixed(value, 4) == text)
    }

    @Test(arguments: [
        (0.0, "0.0000e+00"), (1.5e-6, "1.5000e-06"), (-2.25e-5, "-2.2500e-05"), (9.99999e9, "1.0000e+10"),
        (6.02214076e23, "6.0221e+23"), (1e-300, "1.0000e-300"), (1.7e308, "1.7000e+308"),
    ])
    func scientific(value: Double, text: String) {
        #expect(DecimalText.scientific(value, 4) == text)
    }

    @Test func signs() {
        #expect(DecimalText.signed(0.25, 2) == "+0.25")
        #expect(DecimalText.signed(-0.25, 2) == "-0.25")
        #expect(DecimalText.signed(.nan, 2) == "nan")
        #expect(DecimalText.fixed(2.6, 0) == "3")
    }

    @Test func quantities() {
        #expect(DecimalText.bytes(1023) == "1023 B")
        #expect(DecimalText.bytes(8_283_750) == "7.9 MiB")
        #expect(DecimalText.duration(4.23) == "4.2 s")
        #expect(DecimalText.duration(192) == "3 min 12 s")
        #expect(DecimalText.duration(18_130) == "5 h 2 min")
        #expect(DecimalText.duration(273_600) == "3 d 4 h")
    }

    // Of `date -u -d @N '+%F %TZ'`.
    @Test(arguments: [
        (0.0, "1970-01-01 00:00:00Z"), (951_782_400, "2000-02-29 00:00:00Z"), (1_772_384_709.9, "2026-03-01 17:05:09Z"),
        (-1, "1969-12-31 23:59:59Z"), (4_107_542_399, "2100-02-28 23:59:59Z"), (.nan, "?"),
    ])
    func moments(seconds: Double, text: String) {
        #expect(DecimalText.moment(seconds) == text)
    }
}
