using System.Text.RegularExpressions;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>The page in a browser, as people use it.</summary>
public sealed partial class DiffPageTests(DiffBrowser browser, DiffPages pages) : IClassFixture<DiffBrowser>, IClassFixture<DiffPages>
{
    const int Tab = 9;

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(375, false)]
    [InlineData(375, true)]
    public async Task It_shows_without_complaints_and_without_scrolling_sideways(int width, bool dark)
    {
        await browser.Open(pages.Rewritten, width, 800, dark);
        Assert.Empty(browser.Complaints);
        Assert.True((bool)(await browser.Evaluate("document.documentElement.scrollWidth <= innerWidth"))!);
        await browser.Evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
        Assert.Equal(width, (int)(await browser.Evaluate("document.documentElement.scrollWidth"))!);
        Assert.Equal(dark, (bool)(await browser.Evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128"))!);
    }

    [Theory]
    [InlineData(1280, true)]
    [InlineData(375, false)]
    public async Task Both_sides_stand_beside_one_another_where_there_is_room(int width, bool beside)
    {
        await browser.Open(pages.Rewritten, width, 800);
        Assert.Equal(beside, (bool)(await browser.Evaluate("(([a, b]) => a.getBoundingClientRect().top === b.getBoundingClientRect().top)(document.querySelector('.pair[open]').querySelectorAll('.side'))"))!);
    }

    [Fact]
    public async Task It_says_at_the_top_what_happened()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        var head = (string)(await browser.Evaluate("document.querySelector('header').innerText"))!;
        Assert.Matches("1016 → \\d+ nodes", head);
        Assert.Contains("6 of 6 attentions fused", head, StringComparison.Ordinal);
        Assert.Contains("6 layers, all alike", head, StringComparison.Ordinal);
        Assert.Equal(1, (int)(await browser.Evaluate("[...document.querySelectorAll('h3')].filter(h => h.innerText.includes('Layers 0–5')).length"))!);
    }

    [Fact]
    public async Task Every_node_of_a_drawing_is_in_its_list()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        Assert.True((bool)(await browser.Evaluate("[...document.querySelectorAll('.side')].every(s => s.querySelectorAll('svg g:not(.port)').length === s.querySelectorAll('.list tbody tr').length)"))!);
    }

    [Fact]
    public async Task Boxes_do_not_overlap()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        Assert.Equal(0, (int)(await browser.Evaluate("""
            [...document.querySelectorAll('.graph')].flatMap(svg => {
              const boxes = [...svg.querySelectorAll('rect')].map(r => ['x', 'y', 'width', 'height'].map(a => +r.getAttribute(a)));
              return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3]));
            }).length
            """))!);
    }

    [Fact]
    public async Task The_keyboard_alone_reaches_and_moves_everything()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        var seen = new HashSet<string>();
        for (var i = 0; i < 200 && !await IsFocused(".view"); i++)
        {
            await browser.Press("Tab", Tab);
            seen.Add((string)(await browser.Evaluate("document.activeElement.tagName"))!);
            Assert.NotEqual("none", (string)(await browser.Evaluate("getComputedStyle(document.activeElement).outlineStyle"))!);
        }
        Assert.True(await IsFocused(".view"));
        Assert.Superset(new HashSet<string> { "BUTTON", "SUMMARY", "A", "DIV" }, seen);

        var width = await Number("document.activeElement.querySelector('svg').getBoundingClientRect().width");
        await browser.Press("+");
        Assert.True(await Number("document.activeElement.querySelector('svg').getBoundingClientRect().width") > width);
        await browser.Press("-");
        await browser.Press("-");
        Assert.True(await Number("document.activeElement.querySelector('svg').getBoundingClientRect().width") < width);
        await browser.Press("0");
        Assert.True((bool)(await browser.Evaluate("document.activeElement.scrollHeight <= document.activeElement.clientHeight"))!);
        await browser.Press("n"); // What comes in stands above the nodes.
        for (var i = 0; i < 20 && !(bool)(await browser.Evaluate("document.activeElement.closest('.side').querySelector('.info').innerText.includes('reads')"))!; i++)
        {
            Assert.Equal(1, (int)(await browser.Evaluate("document.activeElement.querySelectorAll('g.on').length"))!);
            await browser.Press("n");
        }
        Assert.Equal(1, (int)(await browser.Evaluate("document.activeElement.querySelectorAll('g.on:not(.port)').length"))!);
        var top = await Number("document.activeElement.scrollTop");
        await browser.Press("ArrowDown", 40);
        await browser.Until($"document.activeElement.scrollTop > {top}");
    }

    [Fact]
    public async Task A_section_opens_by_keyboard()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        await browser.Evaluate("document.querySelector('.pair:not([open]) > summary').focus()");
        await browser.Press("Enter", 13);
        await browser.Until("document.activeElement.parentElement.open && document.activeElement.parentElement.querySelector('svg').getBoundingClientRect().width > 0");
    }

    [Fact]
    public async Task The_switch_goes_through_light_and_dark()
    {
        await browser.Open(pages.Rewritten, 1280, 800);
        await browser.Evaluate("document.getElementById('theme').click()");
        Assert.Equal("light", (string)(await browser.Evaluate("document.documentElement.dataset.theme"))!);
        await browser.Evaluate("document.getElementById('theme').click()");
        Assert.True((bool)(await browser.Evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 128"))!);
        await browser.Evaluate("document.getElementById('theme').click()");
        Assert.Equal("Theme: automatic", (string)(await browser.Evaluate("document.getElementById('theme').textContent"))!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_text_stands_out_from_what_is_behind_it(bool dark)
    {
        await browser.Open(pages.Left, 1280, 800, dark);
        await browser.Evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
        var weak = (string)(await browser.Evaluate("""
            (() => {
              const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
              const rgb = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
              const light = c => c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = e => {
                if (e.closest("svg g")) return rgb(getComputedStyle(e.closest("g").querySelector("rect")).fill);
                for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
                return [255, 255, 255, 255];
              };
              const weak = new Set();
              for (const e of document.querySelectorAll("body *:not(script)")) {
                if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
                const s = getComputedStyle(e), a = light(rgb(e instanceof SVGElement ? s.fill : s.color)), b = light(behind(e));
                const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (contrast < 4.5) weak.add(`${e.tagName}.${e.getAttribute("class")} ${contrast.toFixed(2)}`);
              }
              return [...weak].join("\n");
            })()
            """))!;
        Assert.Empty(weak);
    }

    [Fact]
    public async Task A_refusal_is_listed_and_marked_in_the_drawing()
    {
        await browser.Open(pages.Left, 1280, 800);
        Assert.Matches("\\d+ refusals?", (string)(await browser.Evaluate("document.querySelector('header').innerText"))!);
        Assert.True((int)(await browser.Evaluate("document.querySelectorAll('.refusal').length"))! > 0);
        Assert.True((int)(await browser.Evaluate("document.querySelectorAll('svg g.left').length"))! > 0);
    }

    [Fact]
    public async Task Names_stay_text()
    {
        await browser.Open(pages.OfHostileNames, 1280, 800);
        Assert.Empty(browser.Complaints);
        Assert.True((bool)(await browser.Evaluate("window.broken === undefined && document.images.length === 0 && document.scripts.length === 1"))!);
        Assert.Equal(0, (int)(await browser.Evaluate("document.querySelectorAll('[onerror], [onmouseover]').length"))!);
        var text = (string)(await browser.Evaluate("document.body.textContent"))!;
        Assert.Contains("window.broken=1", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', text);
    }

    [Fact]
    public void It_refers_to_nothing_outside()
    {
        var page = File.ReadAllText(pages.Rewritten);
        Assert.DoesNotMatch(Outside(), page);
        Assert.InRange(page.Length, 1, 2_000_000);
    }

    async Task<bool> IsFocused(string selector) => (bool)(await browser.Evaluate($"document.activeElement.matches('{selector}')"))!;

    async Task<double> Number(string expression) => (double)(await browser.Evaluate(expression))!;

    [GeneratedRegex("(src|href)=\"?(?!#)|https?:|@import|url\\(")]
    private static partial Regex Outside();
}
