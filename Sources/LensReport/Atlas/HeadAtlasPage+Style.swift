extension HeadAtlasPage {
    /// The colours are those of the attention page; a kind's colour says what it goes by.
    static let style = """
        :root{--paper:#f7f5f0;--ground:#fdfcfa;--ink:#1f2328;--muted:#646a72;--line:#dedad1;--accent:#2f6797;
        --position:#2f6797;--first:#5b4b9f;--repeats:#c2185b;--content:#b4530a;--none:#8b9098;
        --s0:#f0eee8;--s1:#d9eae2;--s2:#b3dacd;--s3:#7dbfbc;--s4:#4fa3b1;--s5:#2f6797;--s6:#23265c}
        @media(prefers-color-scheme:dark){:root{--paper:#131519;--ground:#1a1d22;--ink:#e9e7e1;--muted:#9aa2ab;
        --line:#343a42;--accent:#7cb7d8;--position:#7cb7d8;--first:#a99be8;--repeats:#ff6fa3;--content:#f0964a;
        --none:#7d858f;--s0:#23272e;--s1:#253347;--s2:#274863;--s3:#2b6690;--s4:#3f9aac;--s5:#93d2bf;--s6:#f6fbef}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:20px 28px 40px;max-width:1500px;background:var(--paper);color:var(--ink);
        font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;
        font-variant-numeric:tabular-nums}
        h1,h2,p,ul,dl,dd{margin:0}ul{padding:0;list-style:none}
        h1{font-size:20px;font-weight:600;letter-spacing:-.01em;overflow-wrap:anywhere}
        .note,dt,caption{color:var(--muted);font-size:12px}
        :focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
        .by-position{--c:var(--position)}.by-first{--c:var(--first)}.by-repeats{--c:var(--repeats)}
        .by-content{--c:var(--content)}.by-none{--c:var(--none)}
        nav{margin:16px 0 22px;overflow-x:auto}
        .map{border-collapse:separate;border-spacing:3px;margin-left:-3px;width:100%;table-layout:fixed}
        .map th{width:28px;font-weight:400;font-size:12px;color:var(--muted);text-align:left}
        .map a{display:block;padding:3px 5px 4px;border-top:3px solid var(--c);background:var(--ground);color:var(--ink);
        text-decoration:none;font-size:11px;line-height:1.25;overflow:hidden;white-space:nowrap;border-radius:0 0 4px 4px}
        .map a:hover{background:var(--line)}
        .map b{display:block;font-weight:600;font-size:12px}.map span{color:var(--muted)}.map.wide span{display:none}
        main{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:16px}
        article{padding:12px 14px 14px;background:var(--ground);border:1px solid var(--line);border-radius:8px;
        display:grid;grid-template-columns:auto 1fr;gap:8px 10px;align-content:start;scroll-margin-top:12px}
        article:target{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
        article>*{grid-column:1/-1;min-width:0}
        article>h2{grid-column:1;font-size:16px;font-weight:600}
        article>.kinds{grid-column:2;display:flex;flex-wrap:wrap;gap:4px;align-items:center}
        .kinds li{padding:1px 8px;border:1px solid var(--c);border-radius:10px;font-size:12px}
        .kinds b{font-weight:600;color:var(--c)}.kinds span{color:var(--muted)}
        .effect{color:var(--muted);font-size:13px}.effect b{color:var(--ink)}
        .pictures{display:flex;gap:14px;align-items:flex-end}
        .pattern{width:132px;height:132px;flex:none;shape-rendering:crispEdges}
        .s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}
        .s5{fill:var(--s5)}.s6{fill:var(--s6)}
        .distances{flex:1;min-width:0;max-height:110px}
        .distances .near{fill:var(--position)}.distances .first{fill:var(--first)}
        .distances path{stroke:var(--line);stroke-width:1;fill:none}
        .distances text{font-size:7px;fill:var(--muted)}
        .shares svg{display:block;width:100%;height:6px;border-radius:3px}.shares rect{fill:var(--c)}
        .shares p{margin-top:3px}
        .why{font-size:13px}.why li{margin-bottom:2px}
        article dl{font-size:12px}article dl div{display:flex;gap:8px;justify-content:space-between}
        .pairs{border-collapse:collapse;width:100%;font-size:12px}
        .pairs caption{text-align:left;padding-bottom:2px}
        .pairs td{padding:1px 0;border-top:1px solid var(--line)}
        .pairs td:nth-child(-n+3){font-family:ui-monospace,Menlo,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
        .pairs td:nth-child(2){color:var(--muted);padding:1px 6px}
        .pairs td:nth-child(n+4){text-align:right;color:var(--muted);width:3.6em}
        footer{margin-top:26px;padding-top:12px;border-top:1px solid var(--line)}
        footer div{display:flex;gap:12px;font-size:12px}footer dt{width:8em;flex:none}
        footer dd{overflow-wrap:anywhere}
        @media(max-width:760px){body{padding:14px}.map span{display:none}}
        @media print{article{break-inside:avoid}}
        """
}
