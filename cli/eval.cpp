// octet eval: how often a classifier is right.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/classes.h"
#include "cli/commands.h"
#include "cli/image.h"
#include "cli/load.h"
#include "cli/table.h"
#include "runtime/session.h"
#include "system/files.h"

namespace octet::cli {
namespace {

struct EvalOptions {
  std::string model, images, truth;
  PrepareOptions prepare;
  int threads = 1;
};

/// A line of the truth: FILE,CLASS or FILE,CLASS,REFERENCE.
struct Picture {
  std::filesystem::path path;
  size_t truth;
  std::optional<size_t> reference;  // what another runtime made of it
};

struct Score {
  size_t pictures = 0, top1 = 0, top5 = 0, referenced = 0, agreed = 0;

  static double share(size_t part, size_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

std::vector<std::string> split_line(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

std::optional<size_t> class_in(const std::string& cell) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

/// All pictures of the truth. A first line of words is a heading.
std::vector<Picture> read_truth(const EvalOptions& options, size_t classes) {
  std::vector<Picture> pictures;
  const std::vector<std::string> lines = read_lines(options.truth);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto fail = [&](const std::string& what) {
      throw ModelError(fmt::format("{}: line {}: {}", options.truth, i + 1, what));
    };
    if (lines[i].empty()) continue;
    const std::vector<std::string> cells = split_line(lines[i]);
    if (cells.size() < 2 || cells.size() > 3) fail("must be FILE,CLASS or FILE,CLASS,REFERENCE");
    const std::optional<size_t> truth = class_in(cells[1]);
    if (!truth && i == 0) continue;
    if (!truth) fail("class '" + cells[1] + "' is no number");
    Picture picture{std::filesystem::path(options.images) / cells[0], *truth, std::nullopt};
    if (cells.size() == 3) {
      picture.reference = class_in(cells[2]);
      if (!picture.reference) fail("class '" + cells[2] + "' is no number");
    }
    if (std::max(picture.truth, picture.reference.value_or(0)) >= classes) {
      fail(fmt::format("class is beyond the network's {} classes (0 to {})", classes, classes - 1));
    }
    if (!std::filesystem::exists(picture.path)) fail(picture.path.string() + ": no such file");
    pictures.push_back(std::move(picture));
  }
  if (pictures.empty()) throw ModelError(options.truth + ": names no pictures");
  return pictures;
}

void require_classifier(const Plan& plan, const std::string& model) {
  if (plan.inputs().size() != 1 || plan.outputs().size() != 1 || !is_class_list(plan.outputs()[0])) {
    throw ModelError(model + ": is no classifier of pictures: it must have one input and one row of scores as output");
  }
  try {
    require_picture_input(plan.inputs()[0]);
  } catch (const ModelError& e) {
    throw ModelError(model + ": " + e.what());
  }
}

/// A bar on standard error, where that is a terminal.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total), shown_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const Score& score) const {
    if (!shown_) return;
    constexpr size_t kWidth = 40;
    const size_t filled = kWidth * score.pictures / total_;
    fmt::print(stderr, "\r[{}{}] {}/{}  top-1 {}", std::string(filled, '#'), std::string(kWidth - filled, '.'),
               score.pictures, total_, in_percent(Score::share(score.top1, score.pictures)));
    std::fflush(stderr);
  }

 private:
  size_t total_;
  bool shown_;
};

void add_to(Score& score, const Picture& picture, const std::vector<Class>& top) {
  ++score.pictures;
  score.top1 += top[0].index == picture.truth;
  score.top5 += std::ranges::count(top, picture.truth, &Class::index) > 0;
  if (!picture.reference) return;
  ++score.referenced;
  score.agreed += top[0].index == *picture.reference;
}

Score evaluate(Session& session, const std::vector<Picture>& pictures) {
  const Plan& plan = session.plan();
  Score score;
  const Progress progress(pictures.size());
  for (const Picture& picture : pictures) {
    fill_input(read_image(picture.path), plan.inputs()[0], session.input(0));
    session.run();
    add_to(score, picture, top_classes(plan.outputs()[0], session.output(0), 5));
    progress.show(score);
  }
  return score;
}

void eval(const EvalOptions& options) {
  const Model model = load_model(options.model, options.prepare);
  const auto plan = prepare(model, options.model, options.prepare);
  require_classifier(*plan, options.model);
  const auto pictures = read_truth(options, static_cast<size_t>(plan->outputs()[0].shape.back()));
  Session session(plan, options.threads);
  const Score score = evaluate(session, pictures);
  fmt::print("{}: {} pictures on {}\n", printable(model.name), score.pictures, name_of(plan->target()));
  const auto line = [](const char* what, size_t part, size_t whole) {
    fmt::print("{:<26} {:>7}   ({} of {})\n", what, in_percent(Score::share(part, whole)), part, whole);
  };
  line("top-1", score.top1, score.pictures);
  line("top-5", score.top5, score.pictures);
  if (score.referenced > 0) line("agreement with reference", score.agreed, score.referenced);
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command(app, action, "eval", "Measure a classifier's top-1 and top-5 accuracy over pictures", eval);
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command->add_option("--images", options->images, "Folder of the pictures")->required()->type_name("DIR");
  command
      ->add_option("--truth", options->truth,
                   "Lines of FILE,CLASS, or FILE,CLASS,REFERENCE to count agreement with another runtime as well")
      ->required()
      ->type_name("CSV");
  add_threads_option(*command, options->threads);
  add_prepare_options(*command, options->prepare);
}

}  // namespace octet::cli
