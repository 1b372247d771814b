"""Agents at one game: a watcher sees what it would see, its emulator is the driver's bit for bit, and so are take-over,
the way back and replays."""

import dataclasses

import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, PreprocessingSpec
from zoo_gui.play.agreement import apart, gap, js
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import MEANINGS, Meaning, meanings
from zoo_gui.play.moments import go_back, recorded
from zoo_gui.play.played import Played, Recording
from zoo_gui.play.player import Player
from zoo_gui.play.preprocessing import Pipeline
from zoo_gui.play.together import Together, aligned, record_together, recording_of
from zoo_gui.types import ZooError

SIZE, STACK = tiny_agents.OBSERVATION[:2], tiny_agents.OBSERVATION[2]
BREAKOUT = ("NOOP", "FIRE", "RIGHT", "LEFT")


@pytest.fixture
def make(tmp_path):
    """tiny agents of any preprocessing, game and network."""
    made = iter(range(100))

    def agent(network=tiny_agents.POLICY, game="Breakout", names=("FIRE", "LEFT", "RIGHT"), rule="sample", **spec):
        folder = tmp_path / str(next(made))
        preprocessing = PreprocessingSpec(**{"size": SIZE, "stack": STACK, **spec})
        card = tiny_agents.write(folder, network, game=game, preprocessing=preprocessing,
                                 actions=ActionSpec(names, rule))  # fmt: skip
        return Agent.of_file(card, folder / "weights.safetensors")

    return agent


def played_by(agents, steps, **settings):
    *_, last = record_together(agents, steps=steps, **settings)
    return last.result


@pytest.mark.parametrize("spec", [
    {}, {"life_actions": ("FIRE",)}, {"reset_actions": ("FIRE",), "fire_on_reset": False},
    {"frame_skip_range": (2, 4), "frame_skip": 4}, {"sticky": 0.25, "max_last": 1}, {"terminal_on_life_loss": True},
])  # fmt: skip
def test_an_agent_that_watches_its_like_sees_the_same_bit_for_bit(make, spec):
    agent = make(**spec)
    one, other = played_by([agent, agent], 330, driver=1, seed=2)
    assert len(set(one.column("episode"))) > 1 or one.column("lives").min() < 5, "a life is lost within this stretch"
    for name in ("ram", "scores", "reward", "episode", "index", "lives", "done", "episode_return"):
        np.testing.assert_array_equal(one.column(name), other.column(name), name)
    np.testing.assert_array_equal(one.observations(range(0, 330, 7)), other.observations(range(0, 330, 7)))
    assert one.column("watched").all() and not other.column("watched").any()
    assert one.column("action").tolist() == other.column("action").tolist(), "equal random numbers"


def test_the_driver_plays_as_if_it_were_alone(make):
    agent, other = make(sticky=0.25), make(tiny_agents.Q, rule="argmax")
    alone = recorded(agent, steps=150, seed=5)
    watched, _ = played_by([agent, other], 150, seed=5)
    for name in ("ram", "action", "reward", "scores"):
        np.testing.assert_array_equal(alone.column(name), watched.column(name))


@pytest.mark.parametrize("driver, skip, last", [(2, 4, 2), (4, 3, 1), (3, 4, 2), (4, 8, 2), (5, 2, 3)])
def test_a_watcher_of_another_rhythm_sees_the_frames_that_it_would_have_taken(make, driver, skip, last):
    """By hand: maxima of the ``last`` screens of an action, up to now, up to ``skip`` frames ago and so on."""
    agents = [make(frame_skip=driver), make(frame_skip=skip, max_last=last, stack=STACK)]
    together = Together(agents, seed=1)
    emulator, screens, watcher = Emulator("Breakout"), [], agents[1].card.preprocessing
    pipeline = Pipeline(dataclasses.replace(watcher, stack=1), (210, 160))
    for number in range(40):
        _, step = together.step()
        played = together.players[0].played
        if number == 0:
            _tell(emulator, played.opening, [])
            screens = [emulator.screen_gray().copy()]
        if number * driver >= skip * (STACK - 1) + last:
            wanted = []
            for age in range(STACK - 1, -1, -1):
                newest = len(screens) - 1 - age * skip
                pipeline.push(screens[newest - min(last, skip) + 1 : newest + 1])
                wanted.append(pipeline.observation)
            np.testing.assert_array_equal(step.observation, np.concatenate(wanted, -1))
        _tell(emulator, played.advance, screens)


def _tell(emulator, told, screens):
    for number in told:
        if number == 255:
            emulator.reset()
        elif number < 18:
            emulator.act(number)
            screens.append(emulator.screen_gray().copy())


def test_taking_over_leaves_the_game_untouched_and_hands_the_wheel_over(make):
    agents = [make(), make(tiny_agents.Q, rule="argmax", frame_skip=3), make(names=("NOOP", "LEFT", "RIGHT"))]
    together = Together(agents, seed=4)
    for taker in (1, 2, 0, 1):
        for _ in range(45):
            together.step()
        before = [player.snapshot().emulator.to_bytes() for player in together.players]
        together.take_over(taker)
        after = [player.snapshot().emulator.to_bytes() for player in together.players]
        assert len(set(before)) == 1 and before == after
        steps = together.step()
        assert len({step.ram.tobytes() for step in steps}) == 1
        skip = together.players[taker].frame_skip
        told = [number for number in together.players[taker].played.advance if number < 18]
        wanted = together.players[taker].emulator.code(agents[taker].action_names[steps[taker].decision.action])
        assert told == [wanted] * skip, "what the new driver decided"
    with pytest.raises(ZooError, match="no agent 7"):
        together.take_over(7)


def test_the_way_back_is_exact_for_those_who_watch(make):
    agents = [make(sticky=0.25), make(frame_skip=3, rule="argmax"), make(life_actions=("FIRE",))]
    together = Together(agents, seed=6)
    found = played_by(agents, 200, seed=6)
    for number in (199, 3, 48, 47, 150):
        for player, moments in zip(together.players, found):
            assert go_back(player, moments, number)
            row = moments.row_of(number)
            step = player.step(follow=moments.played(row)) if moments.column("watched")[row] else player.step()
            np.testing.assert_array_equal(step.ram, moments.column("ram")[row])
            np.testing.assert_array_equal(step.observation, moments.observation(row))
            np.testing.assert_array_equal(step.decision.scores, moments.column("scores")[row])
            assert step.decision.action == moments.column("action")[row]


def test_who_joins_later_stands_where_the_driver_stands(make):
    agent, other = make(), make(frame_skip=3)
    driver = Player(Emulator("Breakout"), agent, seed=3)
    for _ in range(77):
        driver.step()
    joined = [Player(Emulator("Breakout"), one, seed=9) for one in (agent, other)]
    for player in joined:
        player.stand_with(driver)
    for _ in range(150):
        first = driver.step()
        steps = [player.step(follow=driver.played) for player in joined]
        np.testing.assert_array_equal(steps[0].observation, first.observation)
        np.testing.assert_array_equal(steps[1].ram, first.ram)
        assert steps[1].index == first.index and steps[1].episode_return == first.episode_return


def test_a_recording_is_seen_again_by_others_and_read_back_from_arrays(make):
    agent, other = make(sticky=0.25), make(tiny_agents.Q, rule="argmax")
    moments = recorded(agent, steps=160, seed=8)
    recording = recording_of(moments, "breakout")
    again = Recording.of_arrays(recording.arrays())
    assert again == recording and len(again.steps) == 160
    seen, watched = played_by([other, agent], 500, recording=again)
    assert len(seen) == 160, "to its end"
    np.testing.assert_array_equal(seen.column("ram"), moments.column("ram"))
    np.testing.assert_array_equal(watched.column("scores"), moments.column("scores"))
    together = Together([other, agent], recording=again)
    for _ in range(50):
        together.step()
    together.take_over(0)
    assert len({step.ram.tobytes() for step in together.step()}) == 1
    together = Together([agent], recording=Recording("breakout", recording.steps[:1]))
    together.step()
    with pytest.raises(ZooError, match="ends here"):
        together.step()


@pytest.mark.parametrize("change, sentence", [
    (lambda a: a.pop("played"), "zoo-gui rollout"),
    (lambda a: a.update(played=np.full_like(a["played"], 99)), "damaged"),
    (lambda a: a.update(played_ends=a["played_ends"] + 10**9), "damaged"),
    (lambda a: a.update(played_facts=a["played_facts"] * 0), "damaged"),
    (lambda a: a.update(played_facts=a["played_facts"][1:]), "damaged"),
    (lambda a: a.pop("played_ends"), "damaged"),
    (lambda a: a.pop("played_game"), "damaged"),
    (lambda a: a.update(played_ends=a["played_ends"][:, :1]), "damaged"),
    (lambda a: a.update(played_ends=a["played_ends"][::-1]), "damaged"),
    (lambda a: a.update(played=np.zeros(20_000, np.uint8), played_ends=a["played_ends"][-1:] * 0 + 20_000,
                        played_facts=a["played_facts"][-1:]), "damaged"),
    (lambda a: a.update(played=np.where(a["played"] == 255, 254, a["played"]).astype(np.uint8)), "beginning"),
])  # fmt: skip
def test_a_broken_recording_is_refused(make, change, sentence):
    arrays = recording_of(recorded(make(), steps=5), "breakout").arrays()
    change(arrays)
    with pytest.raises(ZooError, match=sentence):
        Recording.of_arrays(arrays)


def test_different_games_do_not_share_an_input(make):
    with pytest.raises(ZooError, match="Breakout and Pong are different games"):
        Together([make(), make(game="Pong")])


def test_aligned_moments_are_the_same_moments(make):
    agent, other = make(), make(tiny_agents.Q, rule="argmax")
    one, two = played_by([agent, other], 40)
    rows = aligned([one, two])
    assert rows[0].tolist() == rows[1].tolist() == list(range(40))
    with pytest.raises(ZooError, match="not seen the same game"):
        aligned([recorded(agent, steps=30, seed=1), recorded(other, steps=30, seed=2)])


def test_actions_are_matched_by_what_the_game_reads():
    assert meanings(BREAKOUT, ("NOOP", "UP", "UPRIGHT", "DOWNLEFTFIRE")) == ("NOOP", "NOOP", "RIGHT", "LEFTFIRE")
    assert meanings(MEANINGS, MEANINGS) == MEANINGS, "a game that reads the whole stick"
    three, all_18 = Meaning(BREAKOUT, ("NOOP", "RIGHT", "LEFT")), Meaning(BREAKOUT, MEANINGS)
    scores = np.full((2, 18), -50.0)
    scores[0, MEANINGS.index("UPRIGHT")], scores[0, MEANINGS.index("DOWNRIGHT")] = 3.0, 3.0
    scores[1, MEANINGS.index("DOWN")] = 3.0
    np.testing.assert_allclose(all_18.probabilities(scores)[0, MEANINGS.index("RIGHT")], 1.0)
    assert all_18.choice(scores).tolist() == [MEANINGS.index("RIGHT"), 0]
    few = np.array([[-50.0, 3.0, -50.0], [-50.0, 3.0, -50.0]])
    np.testing.assert_allclose(apart(three, few, "logits", all_18, scores, "logits"), [0.0, 1.0], atol=1e-9)
    np.testing.assert_allclose(apart(three, few, "q", all_18, scores, "q")[0], 0.0)


def test_how_far_apart_by_hand():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])
    np.testing.assert_allclose(js(p, q), 0.5)  # ½ (½ log2 2) · 2
    assert js(p, p) == 0.0 and js(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0
    ratings, known = np.array([[4.0, 1.0, 2.0, -np.inf], [3.0, 3.0, 3.0, -np.inf]]), np.array([1, 1, 1, 0], bool)
    np.testing.assert_allclose(gap(ratings, np.array([2, 1]), known), [2 / 3, 0.0])
    np.testing.assert_allclose(gap(ratings, np.array([3, 0]), known), [1.0, 0.0])
    a, b = Meaning(BREAKOUT, BREAKOUT), Meaning(BREAKOUT, BREAKOUT[::-1])
    one, other = np.array([0.0, 1.0, 4.0, 2.0]), np.array([5.0, 1.0, 0.0, 3.0])  # b: LEFT 5, RIGHT 1, FIRE 0, NOOP 3
    np.testing.assert_allclose(apart(a, one, "q", b, other, "q"), (2 / 4 + 4 / 5) / 2)
    policy = apart(a, one, "logits", b, other, "q")
    chances = np.exp(one) / np.exp(one).sum()
    np.testing.assert_allclose(policy, ((chances[2] - chances[3]) / (chances[2] - chances[0]) + 4 / 5) / 2)
    np.testing.assert_allclose(policy, apart(b, other, "q", a, one, "logits"))


def test_a_step_that_nobody_can_have_made_is_not_followed_into_a_crash(make):
    player = Player(Emulator("Breakout"), make())
    step = player.step(follow=Played(b"", bytes([0] * 4 + [251]), False, False, 0, (4, 4)))
    assert step.reward == 0 and not step.done
