/// A page in one file: it needs no network and no script, is light or dark as the reader likes it, and fits a phone.
public struct Page {
  /// A part of the page under a heading of its own.
  public struct Section {
    fileprivate let heading: String
    fileprivate let parts: [any HTMLConvertible]

    /// A section.
    public init(_ heading: String, _ parts: [any HTMLConvertible]) {
      self.heading = heading
      self.parts = parts
    }
  }

  private let title: String
  private let subtitle: String
  private let sections: [Section]
  private let footer: String

  /// - Parameters:
  ///   - title: the heading, and the name of the window.
  ///   - subtitle: a sentence below it.
  ///   - footer: what made the page.
  public init(title: String, subtitle: String, sections: [Section], footer: String) {
    (self.title, self.subtitle, self.sections, self.footer) = (title, subtitle, sections, footer)
  }

  /// The file.
  public var html: String {
    let body = sections.map { section in
      "<section>\n<h2>\(section.heading.htmlEscaped)</h2>\n"
        + section.parts.map(\.html).joined(separator: "\n") + "\n</section>\n"
    }
    let styles = sections.flatMap { $0.parts.map(\.pageStyle) }.filter { !$0.isEmpty }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title.htmlEscaped)</title>
      <style>
      \(([Self.style] + styles).joined(separator: "\n"))
      </style>
      </head>
      <body>
      <main>
      <header>
      <h1>\(title.htmlEscaped)</h1>
      <p>\(subtitle.htmlEscaped)</p>
      </header>
      \(body.joined())</main>
      <footer>\(footer.htmlEscaped)</footer>
      </body>
      </html>

      """
  }

  /// Colours of series that people who confuse red and green tell apart, too (Okabe and Ito), darker on light ground and
  /// lighter on dark; series also differ in their dashes.
  private static let style = """
    :root {
      color-scheme: light dark;
      --ground: #f6f7f9; --card: #ffffff; --ink: #1b2430; --faint: #5b6675; --line: #dfe3e9; --map: #ffffff;
      --series-0: #0067a8; --series-1: #c04f00; --series-2: #00795a; --series-3: #a2457f; --series-4: #6b6f76;
      --series-5: #8a6d00;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #12161c; --card: #1b2129; --ink: #e6eaf0; --faint: #9aa6b5; --line: #313a46; --map: #0c1015;
        --series-0: #5cb8f2; --series-1: #f0954a; --series-2: #38c79b; --series-3: #e394c4; --series-4: #a7adb6;
        --series-5: #e0c24a;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink); -webkit-text-size-adjust: 100%;
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
    main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1rem; }
    header { padding: 2rem 0 .5rem; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
    h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
    h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
    header p, .note, figcaption p { color: var(--faint); margin: .25rem 0; }
    .note, figcaption p { font-size: .875rem; }
    section { margin: 1.5rem 0; }
    footer { padding: 1rem 1rem 2rem; color: var(--faint); font-size: .875rem; }
    a { color: var(--series-0); }
    .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
    .facts div, figure, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
    .facts div { padding: .6rem .8rem; }
    .facts dt { color: var(--faint); font-size: .8rem; }
    .facts dd { margin: 0; font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
    .facts dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--faint); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: .75rem; }
    figure { margin: 0; padding: .8rem; min-width: 0; }
    figcaption { font-weight: 600; }
    figcaption p { font-weight: 400; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0 0; padding: 0; font-size: .85rem; }
    .legend svg { width: 1.8rem; height: .7rem; margin-right: .35rem; vertical-align: middle; overflow: visible; }
    .chart { display: block; width: 100%; height: auto; margin-top: .4rem; overflow: visible; }
    .chart text { fill: var(--faint); font-size: 13px; }
    .chart .grid { stroke: var(--line); stroke-width: 1; }
    .chart .axis { stroke: var(--faint); stroke-width: 1; }
    .chart .mark { fill: none; stroke: var(--faint); stroke-width: 1; stroke-dasharray: 2 3; }
    .chart .guide { fill: none; stroke: var(--line); stroke-width: 1.5; }
    .chart .small { font-size: 10px; }
    .band { opacity: .16; }
    ul.points { margin: .75rem 0 0; padding-left: 1.2rem; }
    ul.points li { margin: .25rem 0; }
    @media print { body { background: #fff; } section, figure { break-inside: avoid; } details { display: none; } }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .3rem .8rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
    thead th { border-top: 0; color: var(--faint); font-weight: 600; }
    th:first-child, td:first-child, td.text, th.text { text-align: left; }
    tbody th { font-weight: 400; }
    caption { text-align: left; padding: .6rem .8rem; color: var(--faint); }
    details { margin-top: .75rem; }
    summary { cursor: pointer; color: var(--series-0); margin-bottom: .5rem; }
    .maps { overflow-x: auto; }
    .maps table { width: auto; border-spacing: 0; }
    .maps th, .maps td { border: 0; padding: .15rem .2rem; text-align: center; }
    .maps tbody th { text-align: left; padding-left: 0; color: var(--faint); position: sticky; left: 0; background: var(--card); }
    .maps img { display: block; width: clamp(6.5rem, 14vw, 9.2rem); height: auto; background: var(--map); image-rendering: pixelated;
      border: 1px solid var(--line); border-radius: .25rem; }
    .colours { display: flex; flex-wrap: wrap; margin: .5rem 0 0; padding: 0; list-style: none; font-size: .75rem; color: var(--faint); }
    .colours li { min-width: 2.3rem; margin-bottom: .3rem; }
    .colours span { display: block; height: .7rem; border: 1px solid var(--line); border-left-width: 0; }
    .colours li:first-child span, .colours .apart span { border-left-width: 1px; }
    .colours .apart { margin-left: .8rem; }
    """
}
