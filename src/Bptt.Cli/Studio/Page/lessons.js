// A dozen lessons, one for each section of the chapter: what to look at, and a scene to begin with.

const lessons = JSON.parse(document.getElementById("lessons").textContent);

class Lessons {
  /** onLesson(words) is told of the scene of a lesson. */
  constructor(onLesson) {
    this.onLesson = onLesson;
    this.choice = document.getElementById("lesson");
    this.choice.addEventListener("change", () => this.go(Number(this.choice.value)));
    document.getElementById("lesson-before").addEventListener("click", () => this.go(this.current - 1));
    document.getElementById("lesson-next").addEventListener("click", () => this.go(this.current + 1));
    document.getElementById("lesson-again").addEventListener("click", () => this.go(this.current));
    this.current = 1;
  }

  go(lesson) {
    this.current = Math.min(lessons.length, Math.max(1, lesson || 1));
    this.show();
    this.onLesson(this.words);
  }

  /** The scene of the current lesson. */
  get words() {
    return Object.fromEntries(new URLSearchParams(lessons[this.current - 1].scene));
  }

  show() {
    const lesson = lessons[this.current - 1];
    const words = lesson[language];
    this.choice.replaceChildren(...lessons.map((l, i) => {
      const option = html("option", { value: i + 1 }, `${i + 1} · ${l[language].title}`);
      option.selected = i + 1 === this.current;
      return option;
    }));
    document.getElementById("lesson-section").textContent = words.section;
    document.getElementById("lesson-title").replaceChildren(...math(words.title));
    document.getElementById("lesson-text").replaceChildren(...words.text.map(p => html("p", {}, ...math(p))));
    document.getElementById("lesson-try").replaceChildren(...words.try.map(p => html("li", {}, ...math(p))));
    document.getElementById("lesson-before").disabled = this.current === 1;
    document.getElementById("lesson-next").disabled = this.current === lessons.length;
  }
}
