import Foundation

/// Maps one after the other, of which the reader chooses one by its time, with the arrow keys too, or lets them play.
///
/// Without a script: each time is a radio button, and the style of the page shows the map behind the one that is chosen.
public struct FrameStepper: HTMLConvertible {
  /// One map.
  public struct Frame: Sendable {
    fileprivate let png: Data
    fileprivate let width: Int
    fileprivate let height: Int
    fileprivate let label: String
    fileprivate let caption: String
    fileprivate let text: String
    fileprivate let isPast: Bool

    /// - Parameters:
    ///   - label: a few letters on the button.
    ///   - caption: a line above the map.
    ///   - text: what is on the map, for those who do not see it.
    ///   - isPast: whether it was observed, beside others that are forecast.
    public init(
      png: Data, width: Int, height: Int, label: String, caption: String, text: String, isPast: Bool = false
    ) {
      (self.png, self.width, self.height, self.label) = (png, width, height, label)
      (self.caption, self.text, self.isPast) = (caption, text, isPast)
    }
  }

  private let title: String
  private let note: String?
  private let frames: [Frame]
  private let first: Int
  private let seconds: Double

  /// - Parameters:
  ///   - first: the one that is shown at first.
  ///   - seconds: how long each one is shown when they play.
  /// - Precondition: there is a frame of that number.
  public init(_ title: String, note: String? = nil, frames: [Frame], first: Int = 0, seconds: Double) {
    precondition(frames.indices.contains(first), "there is no frame \(first) among \(frames.count)")
    (self.title, self.note, self.frames, self.first, self.seconds) = (title, note, frames, first, seconds)
  }

  /// A figure.
  public var html: String {
    let maps = frames.enumerated().map { index, frame in
      let checked = index == first ? " checked" : ""
      let past = frame.isPast ? " class=\"past\"" : ""
      return """
        <input type="radio" name="frame" id="frame-\(index)"\(checked)><label for="frame-\(index)"\(past)>\(frame.label.htmlEscaped)</label>
        <div class="frame" style="--place:\(index)"><p>\(frame.caption.htmlEscaped)</p><img src="data:image/png;base64,\(frame.png.base64EncodedString())" width="\(frame.width)" height="\(frame.height)" alt="\(frame.text.htmlEscaped)"></div>
        """
    }
    let play =
      frames.count > 1
      ? "<input type=\"radio\" name=\"frame\" id=\"frame-play\" class=\"play\"><label for=\"frame-play\">Play</label>\n"
      : ""
    let note = note.map { "<p>\($0.htmlEscaped)</p>" } ?? ""
    return """
      <figure><figcaption>\(title.htmlEscaped)\(note)</figcaption>
      <div class="stepper" role="radiogroup" aria-label="Time of the map">
      \(play)\(maps.joined(separator: "\n"))
      </div></figure>
      """
  }

  /// How the chosen map is shown, and how long each one while they play.
  public var pageStyle: String {
    let share = NumberText.short(100 / Double(max(frames.count, 1)), digits: 7)
    return """
      .stepper { position: relative; display: grid; grid-template-columns: repeat(auto-fill, minmax(4.8rem, 1fr)); gap: .3rem; }
      .stepper input { position: absolute; opacity: 0; width: 1px; height: 1px; margin: 0; }
      .stepper label { text-align: center; font-size: .8rem; font-variant-numeric: tabular-nums; padding: .3rem .1rem; cursor: pointer;
        border: 1px solid var(--line); border-radius: .4rem; }
      .stepper label.past { border-style: dashed; color: var(--faint); }
      .stepper input:checked + label { background: var(--series-0); border-color: var(--series-0); color: var(--card); }
      .stepper input:focus-visible + label { outline: 2px solid var(--ink); outline-offset: 2px; }
      .stepper .frame { grid-area: 1 / 1 / 2 / -1; visibility: hidden; }
      .stepper .frame p { margin: .4rem 0; font-variant-numeric: tabular-nums; }
      .stepper .frame img { display: block; width: min(100%, 44rem, 78vh); height: auto; background: var(--map);
        image-rendering: pixelated; border: 1px solid var(--line); border-radius: .25rem; margin-bottom: .5rem; }
      .stepper input:checked + label + .frame { visibility: visible; }
      .stepper .play:checked ~ .frame { animation: turn \(NumberText.short(seconds * Double(frames.count), digits: 6))s step-end infinite;
        animation-delay: calc(var(--place) * \(NumberText.short(seconds, digits: 6))s); }
      @keyframes turn { 0% { visibility: visible; } \(share)%, 100% { visibility: hidden; } }
      """
  }
}
