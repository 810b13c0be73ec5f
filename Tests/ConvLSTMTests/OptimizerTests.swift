import ConvLSTM
import Tensor
import Testing

/// Twenty updates by each method beside PyTorch's, on a bowl with a centre that moves.
@Suite struct OptimizerTests {
  /// A case of `Scripts/make-training-fixtures.py`, by its name there.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var method = Optimizer.Method.adam()
    var clip = Double.infinity
    var batches = 1
    var average: Double?
    var schedule = LearningRateSchedule(.constant)
    var testDescription: String { name }
  }

  private static let cases = [
    Case(name: "adam", method: .adam(beta1: 0.5)), Case(name: "adamw", method: .adamW(weightDecay: 0.1)),
    Case(name: "rmsprop", method: .rmsProp(decay: 0.9)), Case(name: "sgd", method: .sgd(momentum: 0.9)),
    Case(name: "clipped", clip: 9), Case(name: "accumulated", batches: 2), Case(name: "averaged", average: 0.9),
    Case(
      name: "scheduled", method: .adamW(weightDecay: 0.1), clip: 9,
      schedule: LearningRateSchedule(.cosine(updates: 20), warmUp: 5)),
  ]

  @Test(arguments: cases) func agreesWithPyTorch(_ test: Case) throws {
    let reference = try Reference("updates", in: "training")
    let (curvature, centres) = (reference["curvature"].elements, reference["centres"])
    var layout = ParameterLayout()
    layout.append("p", shape: [24])
    var parameters = ParameterSet(layout)
    parameters.values = reference["initial"]
    var optimizer = Optimizer(test.method, count: 24)
    var average = test.average.map { WeightAverage(decay: $0) }
    var (worst, worstAverage, clipped) = (0.0, 0.0, 0)
    for step in 0..<20 {
      if step == 10 {
        // As a run that is taken up from a checkpoint.
        optimizer = Optimizer(test.method, step: optimizer.step, state: optimizer.state)
        average = average.map { WeightAverage(decay: $0.decay, values: $0.values) }
      }
      var gradients = ParameterSet(layout)
      for batch in 0..<test.batches {
        for i in 0..<24 { gradients.values[i] += curvature[i] * (parameters.values[i] - centres[step, batch, i]) }
      }
      gradients.scale(by: 1 / Float(test.batches))
      if gradients.clip(toNorm: test.clip) > test.clip { clipped += 1 }
      optimizer.update(
        &parameters, gradients: gradients, learningRate: 0.05 * test.schedule.factor(update: step))
      average?.add(parameters)
      for i in 0..<24 {
        worst = max(worst, abs(Double(parameters.values[i]) - Double(reference[test.name + ".parameters"][step, i])))
        if let values = average?.values {
          worstAverage = max(worstAverage, abs(Double(values[i]) - Double(reference[test.name + ".average"][step, i])))
        }
      }
    }
    print("\(test.name): largest difference in 20 updates \(worst), of the average \(worstAverage); \(clipped) clipped")
    #expect(worst < 2e-6 && worstAverage < 2e-6)
    // A limit that never or always holds would test little.
    if test.clip < .infinity { #expect(clipped > 2 && clipped < 20) }
  }

  @Test(arguments: [
    ("constant", LearningRateSchedule(.constant)), ("cosine", LearningRateSchedule(.cosine(updates: 20))),
    ("step", LearningRateSchedule(.step(updates: 6, factor: 0.7))),
    ("one-cycle", LearningRateSchedule(.oneCycle(updates: 20))),
    ("warm-up", LearningRateSchedule(.constant, warmUp: 8)),
    ("warm-up-cosine", LearningRateSchedule(.cosine(updates: 20), warmUp: 5)),
  ])
  func learningRates(name: String, schedule: LearningRateSchedule) throws {
    let expected = try Reference("rates", in: "training")[name].elements
    for (update, rate) in expected.enumerated() {
      #expect(abs(1e-3 * schedule.factor(update: update) - Double(rate)) < 1e-9, "update \(update)")
    }
    // A run that is made longer goes on with the last rate.
    if name != "step" { #expect(schedule.factor(update: 19) == schedule.factor(update: 1_000_000)) }
  }

  @Test func learningRatesOnAPlateau() throws {
    let reference = try Reference("rates", in: "training")
    var rule = PlateauRule()
    for (loss, rate) in zip(reference["plateau.losses"].elements, reference["plateau"].elements) {
      rule.add(Double(loss), patience: 2, decay: 0.5)
      #expect(abs(1e-3 * rule.factor - Double(rate)) < 1e-9)
    }
    #expect(rule.factor < 0.5)
  }

  /// Short courses have no empty parts to divide by.
  @Test(arguments: 1...5) func shortCourses(updates: Int) {
    for course in [LearningRateSchedule.Course.cosine(updates: updates), .oneCycle(updates: updates)] {
      for update in 0..<updates + 2 {
        let factor = LearningRateSchedule(course).factor(update: update)
        #expect(factor > 0 && factor <= 1)
      }
    }
  }
}
