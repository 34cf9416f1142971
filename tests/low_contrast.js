// Texts of the page whose contrast with what is behind them is below 4.5 to 1 (WCAG AA).
() => {
  const parts = colour => [...colour.matchAll(/[\d.]+/g)].map(Number);
  const luminance = rgb => {
    const [r, g, b] = rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const [r, g, b, alpha = 1] = parts(getComputedStyle(element).backgroundColor);
      if (alpha > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!text || !element.checkVisibility() || element.closest("script, style, option, svg, :disabled")) continue;
    const both = [luminance(parts(getComputedStyle(element).color)), luminance(behind(element))];
    const [dark, bright] = both.sort((x, y) => x - y);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) low.push(element.id + " " + element.textContent.slice(0, 40));
  }
  return low;
}
