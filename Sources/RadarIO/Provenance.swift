/// What a file says of itself as a whole: where its data come from, and on what terms they may be used.
public struct Provenance: Sendable, Equatable {
  /// A global attribute about rights or attribution, such as `licence`.
  public struct Term: Sendable, Equatable {
    /// The name of the attribute as the file spells it.
    public var name: String
    /// Its text to the letter.
    public var text: String
  }

  /// The `title`.
  public var title: String?
  /// The `institution`.
  public var institution: String?
  /// The `source`: how the data were made.
  public var source: String?
  /// The `references`.
  public var references: String?
  /// The `doi`.
  public var doi: String?
  /// The `history`.
  public var history: String?
  /// Licence, rights and whom to name. They go with the data into everything that is made of them.
  public var terms: [Term] = []

  /// Says nothing.
  public init() {}

  /// Attributes of the whole file, or of the groups around a variable, the nearest first.
  init(_ attributes: [CFAttribute]) {
    title = attributes.text("title")
    institution = attributes.text("institution")
    source = attributes.text("source")
    references = attributes.text("references") ?? attributes.text("reference")
    doi = attributes.text("doi")
    history = attributes.text("history")
    for attribute in attributes where Provenance.isTerm(attribute.name) {
      if let text = attribute.text { add(Term(name: attribute.name, text: text)) }
    }
  }

  private static let termNames: Set = [
    "attribution", "acknowledgement", "acknowledgment", "acknowledgements", "acknowledgments", "credit", "credits",
    "terms_of_use", "terms_and_conditions", "use_constraints", "access_constraints", "distribution_statement",
    "disclaimer", "creator_name", "creator_institution", "creator_url",
  ]

  private static func isTerm(_ name: String) -> Bool {
    let name = name.lowercased()
    return termNames.contains(name) || ["licence", "license", "copyright", "rights"].contains(where: name.hasPrefix)
  }

  /// Adds a term; a text that is there under the name is not repeated, another one follows it on a line of its own.
  mutating func add(_ term: Term) {
    guard !term.text.isEmpty else { return }
    guard let place = terms.firstIndex(where: { $0.name == term.name }) else {
      terms.append(term)
      return
    }
    guard !"\n\(terms[place].text)\n".contains("\n\(term.text)\n") else { return }
    terms[place].text += "\n" + term.text
  }

  /// The global attributes that something made of the data has for the data's sake, beside those of its own: the terms as
  /// they are, the others as `input_…`.
  public var inherited: [(name: String, value: String)] {
    let others = [
      ("input_title", title), ("input_source", source), ("input_references", references), ("input_doi", doi),
    ]
    return terms.map { ($0.name, $0.text) } + others.compactMap { name, text in text.map { (name, $0) } }
  }
}
