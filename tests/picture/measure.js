// Measures the page that is shown, as an expression for Runtime.evaluate. Everything is in CSS pixels.
(() => {
	const shown = e => e.checkVisibility() && e.getBoundingClientRect().width > 0;
	const describe = e => `${e.nodeName}.${e.getAttribute("class") || ""}: ${e.textContent.trim().slice(0, 60)}`;
	const texts = [];  // every piece of text with its lines
	const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);

	while (walk.nextNode()) {
		const parent = walk.currentNode.parentElement;

		if (!walk.currentNode.data.trim() || parent.closest("title, desc, style, head") || !shown(parent))
			continue;
		const range = document.createRange();
		range.selectNodeContents(walk.currentNode);
		texts.push({element: parent, lines: [...range.getClientRects()].filter(r => r.width > 0)});
	}

	const outside = (inner, outer) => inner.left < outer.left - .5 || inner.right > outer.right + .5 ||
		inner.top < outer.top - .5 || inner.bottom > outer.bottom + .5;
	const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
		Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;

	const overflowing = [...document.querySelectorAll("*")].filter(shown).filter(e => {
		const r = e.getBoundingClientRect(), card = e.parentElement && e.parentElement.closest("section, header");

		return r.right > innerWidth + .5 || r.left < -.5 || (card && outside(r, card.getBoundingClientRect())) ||
			(e.clientWidth && e.scrollWidth > e.clientWidth + 1);
	}).map(describe);
	// Text of the diagram stays inside its box, and all text inside its picture.
	for (const t of texts) {
		const group = t.element.closest("g.part, g.frame"), box = group && group.querySelector("rect"),
			picture = t.element.closest("svg");

		for (const line of t.lines)
			if ((box && outside(line, box.getBoundingClientRect())) ||
				(picture && outside(line, picture.getBoundingClientRect())))
				overflowing.push(`text leaves its box: ${describe(t.element)}`);
	}

	const overlapping = [];
	for (let i = 0; i < texts.length; i++)
		for (let j = i + 1; j < texts.length; j++)
			if (texts[i].lines.some(a => texts[j].lines.some(b => overlap(a, b))))
				overlapping.push(`${describe(texts[i].element)} | ${describe(texts[j].element)}`);

	const colour = text => text.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
		.map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
	const contrast = (a, b) => {
		const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);

		return (high + .05) / (low + .05);
	};
	const opaque = c => c.length < 4 || c[3] == 1;
	const surface = (element, x, y) => {
		for (const e of document.elementsFromPoint(x, y)) {
			const style = getComputedStyle(e), svg = e instanceof SVGElement && e.nodeName != "svg";
			const value = svg ? style.fill : style.backgroundColor;

			if (e != element && !/^(text|tspan)$/.test(e.nodeName) && value != "none" && opaque(colour(value)))
				return colour(value);
		}
		return getComputedStyle(document.documentElement).colorScheme.includes("dark") &&
			matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
	};
	const contrasts = texts.map(t => {
		const line = t.lines[0], style = getComputedStyle(t.element),
			ink = colour(t.element instanceof SVGElement ? style.fill : style.color);

		return [contrast(ink, surface(t.element, (line.left + line.right) / 2, (line.top + line.bottom) / 2)), describe(t.element)];
	});
	const smallest = Math.min(...texts.flatMap(t => {
		const scale = t.element.getScreenCTM ? t.element.getScreenCTM().a : 1;

		return parseFloat(getComputedStyle(t.element).fontSize) * scale;
	}));

	return {overflowing, overlapping, contrasts, smallest, texts: texts.length, height: document.documentElement.scrollHeight};
})()
